#!/usr/bin/env bash
# unpack-newer.sh <folder>: the Erlang/OTP of Debian unstable, and all that it needs down to its libc, unpacked into
# that folder and nowhere else. Nothing is installed. The bench measures it when ACTOR_TLS_NEWER_OTP names the folder.
#
# The mirror is the one of Debian that apt is configured for here. apt reads its list of unstable into the folder,
# checks signature and hashes, and works out what is needed; it sees none of the machine's own packages.
# `<folder>/escript` then runs a script on that OTP, as any user: each program is started by the folder's own ld.so.
set -euo pipefail

if (($# != 1)); then
  echo "usage: $0 <folder>" >&2
  exit 2
fi
mkdir -p "$1"
folder=$(cd "$1" && pwd)
packages=(erlang-base erlang-crypto erlang-ssl erlang-public-key erlang-asn1)

# apt with state, lists and downloads of its own.
apt="$folder/apt"
mkdir -p "$apt"/{lists/partial,archives/partial,sources.list.d}
: >"$apt/status"
options=(
  -o "Dir::State=$apt" -o "Dir::State::lists=$apt/lists" -o "Dir::State::status=$apt/status"
  -o "Dir::Cache=$apt" -o "Dir::Cache::archives=$apt/archives"
  -o "Dir::Etc::sourcelist=$apt/sources.list" -o "Dir::Etc::sourceparts=$apt/sources.list.d"
  -o Dir::Etc::preferences=/dev/null -o Dir::Etc::preferencesparts=/dev/null
  -o APT::Sandbox::User=root -o Acquire::Languages=none
  -o APT::Install-Recommends=false -o pkgCacheGen::ForceEssential=,
)
unstable() {
  local mirror
  for mirror in $(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | sort -u); do
    echo "deb $mirror unstable main" >"$apt/sources.list"
    if apt-get "${options[@]}" -qq --error-on=any update 2>/dev/null; then return; fi
  done
  echo 'none of the mirrors that apt is configured for has Debian unstable' >&2
  return 1
}
unstable
apt-get "${options[@]}" -qq --yes --download-only install "${packages[@]}" >/dev/null

# As Debian lays it out today: /lib is a link into /usr.
root="$folder/root"
rm -rf "$root"
mkdir -p "$root/usr/lib" "$root/usr/lib64" "$root/usr/bin" "$root/usr/sbin"
for name in lib lib64 bin sbin; do ln -s "usr/$name" "$root/$name"; done
for package in "$apt"/archives/*.deb; do dpkg-deb -x "$package" "$root"; done

# The machine's kernel would start these programs with the machine's ld.so and libc.
erlang="$root/usr/lib/erlang"
loader=$(find "$root/usr/lib" -name 'ld-linux*.so.*' -print -quit)
libraries=$(dirname "$(find "$root/usr/lib" -name libc.so.6 -print -quit)")
bin=$(echo "$erlang"/erts-*/bin)
for program in "$bin"/*; do
  [[ -f $program && ! -L $program && $(head -c 4 "$program" | tail -c 3) == ELF ]] || continue
  mv "$program" "$program.elf"
  cat >"$program" <<END
#!/bin/sh
exec '$loader' --library-path '$libraries' --argv0 "\$0" '$program.elf' "\$@"
END
  chmod +x "$program"
done
cat >"$folder/erl" <<END
#!/bin/sh
export ROOTDIR='$erlang' BINDIR='$bin' EMU=beam PROGNAME=erl
exec '$bin/erlexec' "\$@"
END
cat >"$folder/escript" <<END
#!/bin/sh
export ESCRIPT_EMULATOR='$folder/erl'
exec '$bin/escript' "\$@"
END
chmod +x "$folder/erl" "$folder/escript"
rm -rf "$apt"

cat >"$folder/release.escript" <<'END'
#!/usr/bin/env escript
main(_) -> io:format("OTP ~s~n", [erlang:system_info(otp_release)]).
END
"$folder/escript" "$folder/release.escript"
