/** The shim's command line: what BoGo asks of us, read before anything else is loaded. */

/** How a flag is written: alone, with a value, with a value and again for the next one. */
type Shape = 'alone' | 'value' | 'list';

/** Flags that change what the shim does or checks. */
const shapes = {
  port: 'value',
  'shim-id': 'value',
  ipv6: 'alone',
  server: 'alone',
  dtls: 'alone',
  mtu: 'value',
  'initial-timeout-duration-ms': 'value',
  'min-version': 'value',
  'max-version': 'value',
  'no-tls13': 'alone',
  'no-tls12': 'alone',
  'no-tls11': 'alone',
  'no-tls1': 'alone',
  curves: 'list',
  'key-shares': 'list',
  'verify-prefs': 'list',
  'host-name': 'value',
  'expect-server-name': 'value',
  'advertise-alpn': 'value',
  'select-alpn': 'value',
  'reject-alpn': 'alone',
  'decline-alpn': 'alone',
  'expect-alpn': 'value',
  'expect-no-next-proto': 'alone',
  'expect-no-peer-cert': 'alone',
  'expect-no-server-name': 'alone',
  'expect-advertised-alpn': 'value',
  'require-any-client-certificate': 'alone',
  'verify-peer': 'alone',
  'verify-fail': 'alone',
  'use-custom-verify-callback': 'alone',
  'expect-peer-signature-algorithm': 'value',
  'expect-peer-cert-file': 'value',
  'expect-curve-id': 'value',
  'expect-hrr': 'alone',
  'expect-no-hrr': 'alone',
  'expect-session-id': 'alone',
  'enable-ocsp-stapling': 'alone',
  'expect-ocsp-response': 'value',
  'use-ocsp-callback': 'alone',
  'decline-ocsp-callback': 'alone',
  'fail-ocsp-callback': 'alone',
  'export-traffic-secrets': 'alone',
  'shim-writes-first': 'alone',
  'shim-shuts-down': 'alone',
  'check-close-notify': 'alone',
  'send-alert': 'alone',
  'key-update': 'alone',
  'key-update-before-read': 'alone',
  'read-size': 'value',
  'write-different-record-sizes': 'alone',
  'use-client-ca-list': 'value',
  async: 'alone',
  'server-preference': 'alone',
  cipher: 'value',
  'expect-version': 'value',
  'expect-secure-renegotiation': 'alone',
  'expect-no-secure-renegotiation': 'alone',
  'expect-extended-master-secret': 'alone',
  'expect-no-session-id': 'alone',
  'renegotiate-freely': 'alone',
  'expect-total-renegotiations': 'value',
  'resume-count': 'value',
  'resumption-delay': 'value',
  'no-ticket': 'alone',
  'expect-no-session': 'alone',
  'expect-session-miss': 'alone',
  'expect-ticket-renewal': 'alone',
  'expect-ticket-supports-early-data': 'alone',
  'expect-ticket-age-skew': 'value',
  'enable-early-data': 'alone',
  'expect-accept-early-data': 'alone',
  'expect-reject-early-data': 'alone',
  'expect-no-offer-early-data': 'alone',
  'expect-early-data-reason': 'value',
  'shim-initial-write': 'value',
  'repeat-shim-initial-write': 'value',
  psk: 'value',
  'psk-identity': 'value',
  'export-keying-material': 'value',
  'export-label': 'value',
  'export-context': 'value',
  'use-export-context': 'alone',
  'expect-cipher': 'value',
  'skip-ticket': 'alone',
  'reverify-on-resume': 'alone',
  'srtp-profiles': 'value',
  'fail-ddos-callback': 'alone',
  'no-server-name-ack': 'alone',
  'cbc-record-splitting': 'alone',
  'fallback-scsv': 'alone',
  'max-cert-list': 'value',
} as const satisfies Record<string, Shape>;

/** Flags of a certificate; those after `-new-x509-credential` belong to that one, the others to the default one. */
const credentialShapes = {
  'cert-file': 'value',
  'key-file': 'value',
  'signing-prefs': 'list',
  'ocsp-response': 'value',
} as const satisfies Record<string, Shape>;

/** Flags of a key for the importer (RFC 9258); they follow `-new-psk-credential`. */
const pskShapes = {
  'psk-importer-key': 'value',
  'psk-importer-identity': 'value',
  'psk-importer-context': 'value',
  'psk-importer-sha256': 'alone',
  'psk-importer-sha384': 'alone',
} as const satisfies Record<string, Shape>;

/** Flags about what is never otherwise with us: nothing to do. */
const idle: Readonly<Record<string, 'alone' | 'value'>> = {
  'trust-cert': 'value',
  'implicit-handshake': 'alone',
  'no-op-extra-handshake': 'alone',
  'handshake-twice': 'alone',
  'use-old-client-cert-callback': 'alone',
  'expect-verify-result': 'alone',
  'forbid-renegotiation-after-handshake': 'alone',
  // Our hellos are always looked at first, and our tickets are always made outside of the core.
  'use-early-callback': 'alone',
  'use-ticket-callback': 'alone',
  'use-ticket-aead-callback': 'alone',
  'install-ddos-callback': 'alone',
  // A write of ours is always taken whole.
  'partial-write': 'alone',
  // The staple is there when it is asked for, whoever sets it.
  'set-ocsp-in-callback': 'alone',
  // Certificates of the issuers that the peer names always go before the others, which do as well, as OTP's.
  'must-match-issuer': 'alone',
  // Which certificate we took is seen by the runner, too.
  'expect-selected-credential': 'value',
  'private-key-delay-ms': 'value',
};

type Name = keyof typeof shapes;
type CredentialName = keyof typeof credentialShapes;
type PskName = keyof typeof pskShapes;

/** One certificate the shim is to have. */
export interface Credential {
  certFile: string | undefined;
  keyFile: string | undefined;
  signingPrefs: number[];
  ocspResponse: Uint8Array | undefined;
}

/** A key agreed upon beforehand that is to be imported. */
export interface ImportedCredential {
  key: Uint8Array;
  identity: Uint8Array;
  context: Uint8Array;
  hash: 'sha256' | 'sha384';
}

/** A read command line. Byte strings of BoGo are one character per byte. */
export interface Flags {
  has(name: Name): boolean;
  value(name: Name): string | undefined;
  number(name: Name): number | undefined;
  numbers(name: Name): readonly number[];
  /** base64 */
  bytes(name: Name): Uint8Array | undefined;
  readonly fallback: Credential;
  /** In the order to be preferred; the default one is not among them. */
  readonly credentials: readonly Credential[];
  readonly imported: readonly ImportedCredential[];
}

function credential(): Credential {
  return { certFile: undefined, keyFile: undefined, signingPrefs: [], ocspResponse: undefined };
}

const isName = (name: string): name is Name => Object.hasOwn(shapes, name);
const isPskName = (name: string): name is PskName => Object.hasOwn(pskShapes, name);
const isCredentialName = (name: string): name is CredentialName => Object.hasOwn(credentialShapes, name);

/** The connection that a flag with a prefix is for; a retry goes on with one whose early data was refused. */
export type Phase = 'initial' | 'resume' | 'retry';

/** The phase that a flag names, or all, and its own name. */
function parted(argument: string): { readonly phase: string | undefined; readonly name: string } {
  const { phase, name = '' } =
    /^-(?:on-shim-)?(?:on-(?<phase>initial|resume|retry)-)?(?<name>.*)$/.exec(argument)?.groups ?? {};
  return { phase, name };
}

/** What holds in a phase; `undefined`: a flag we do not have, in whatever phase. */
export function readFlags(argv: readonly string[], wanted: Phase): Flags | undefined {
  const values = new Map<Name, string[]>();
  const fallback = credential();
  const credentials: Credential[] = [];
  const imported: ImportedCredential[] = [];
  let current = fallback;
  for (let at = 0; at < argv.length; at += 1) {
    const { phase, name } = parted(argv[at] ?? '');
    const applies = phase === undefined || phase === wanted;
    if (name === 'new-x509-credential') {
      current = credential();
      credentials.push(current);
    } else if (name === 'new-psk-credential') {
      const nothing = new Uint8Array();
      imported.push({ key: nothing, identity: nothing, context: nothing, hash: 'sha256' });
    } else if (isPskName(name)) {
      if (pskShapes[name] === 'value') at += 1;
      const last = imported.at(-1);
      if (last !== undefined) setImported(last, name, argv[at] ?? '');
    } else if (isCredentialName(name)) {
      at += 1;
      if (applies) set(current, name, argv[at] ?? '');
    } else if (isName(name)) {
      const given = (applies ? values.get(name) : undefined) ?? [];
      if (applies) values.set(name, given);
      if (shapes[name] === 'alone') continue;
      at += 1;
      given.push(argv[at] ?? '');
    } else if (Object.hasOwn(idle, name)) {
      if (idle[name] === 'value') at += 1;
    } else {
      return undefined;
    }
  }
  const value = (name: Name): string | undefined => values.get(name)?.at(-1);
  return {
    has: (name) => values.has(name),
    value,
    number: (name) => (value(name) === undefined ? undefined : Number(value(name))),
    numbers: (name) => (values.get(name) ?? []).map(Number),
    bytes: (name) => {
      const text = value(name);
      return text === undefined ? undefined : Buffer.from(text, 'base64');
    },
    fallback,
    credentials,
    imported,
  };
}

function setImported(into: ImportedCredential, name: PskName, value: string): void {
  switch (name) {
    case 'psk-importer-key':
      into.key = Buffer.from(value, 'base64');
      return;
    case 'psk-importer-identity':
      into.identity = Buffer.from(value, 'base64');
      return;
    case 'psk-importer-context':
      into.context = Buffer.from(value, 'base64');
      return;
    case 'psk-importer-sha256':
      into.hash = 'sha256';
      return;
    case 'psk-importer-sha384':
      into.hash = 'sha384';
      return;
  }
}

function set(into: Credential, name: CredentialName, value: string): void {
  switch (name) {
    case 'cert-file':
      into.certFile = value;
      return;
    case 'key-file':
      into.keyFile = value;
      return;
    case 'signing-prefs':
      into.signingPrefs.push(Number(value));
      return;
    case 'ocsp-response':
      into.ocspResponse = Buffer.from(value, 'base64');
      return;
  }
}
