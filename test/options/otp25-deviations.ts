/** Where we answer otherwise than OTP 25 on purpose, rule by rule; a rule that no case needs any more fails. */
import type { Case } from './otp25-options.test.js';

export interface Deviation {
  readonly name: string;
  readonly applies: (found: {
    readonly test: Case;
    readonly options: Readonly<Record<string, unknown>>;
    readonly answer: { readonly ok: object } | { readonly error: unknown };
    readonly expected: { readonly ok: true } | { readonly error: unknown };
  }) => boolean;
}

type Found = Parameters<Deviation['applies']>[0];

/** The value in `{ error: { options: { [key]: … } } }` of our answer. */
function refusedKey(found: Found): string | undefined {
  const { answer } = found;
  if (!('error' in answer) || typeof answer.error !== 'object' || answer.error === null) return undefined;
  const options: unknown = 'options' in answer.error ? answer.error.options : undefined;
  return typeof options === 'object' && options !== null && !Array.isArray(options)
    ? Object.keys(options)[0]
    : undefined;
}

/** The tag in `{ error: { options: [tag, …] } }` of our answer. */
function refusedTag(found: Found): unknown {
  const { answer } = found;
  if (!('error' in answer) || typeof answer.error !== 'object' || answer.error === null) return undefined;
  const options: unknown = 'options' in answer.error ? answer.error.options : undefined;
  return Array.isArray(options) ? options[0] : undefined;
}

const accepted = (found: Found): boolean => 'ok' in found.expected;
const refusedFor =
  (...keys: readonly string[]) =>
  (found: Found) =>
    keys.includes(refusedKey(found) ?? '');
const isHandshake = (found: Found): boolean => found.test.function === 'handshake';

export const deviations: readonly Deviation[] = [
  {
    name: 'what customize_hostname_check holds is looked at (OTP asks for a list only)',
    applies: (found) => accepted(found) && refusedFor('customizeHostnameCheck')(found),
  },
  {
    name: '† certificates and keys that are no DER are refused (contract §2.5: OTP crashes later)',
    applies: (found) => accepted(found) && refusedFor('cert', 'key', 'cacerts', 'certsKeys', 'dh')(found),
  },
  {
    name: '† ciphers with none for the versions are refused (OTP takes its default list); an empty list likewise',
    applies: (found) => accepted(found) && refusedFor('ciphers')(found),
  },
  {
    name: 'a list of ciphers may mix names, maps and numbers',
    applies: (found) => 'ok' in found.answer && JSON.stringify(found.expected).includes('"ciphers"'),
  },
  {
    name: '† negative sizes, and numbers for active that are no integers, are refused',
    applies: (found) =>
      accepted(found) &&
      !isHandshake(found) &&
      refusedFor('maxHandshakeSize', 'packetSize', 'header', 'active')(found),
  },
  {
    name: '† unknown packet modes are refused (OTP crashes on the first data)',
    applies: (found) => accepted(found) && !isHandshake(found) && refusedFor('packet')(found),
  },
  {
    name: "a user's CRL cache is an object of functions, since there are no modules by name; other arguments are refused",
    applies: (found) => accepted(found) && refusedFor('crlCache')(found),
  },
  {
    name: '† supported_groups and eccs that end empty are refused (OTP fails in the handshake)',
    applies: (found) => accepted(found) && refusedFor('supportedGroups', 'eccs')(found),
  },
  {
    name: '† signature_algs that are no list of schemes are refused',
    applies: (found) =>
      refusedFor('signatureAlgs', 'signatureAlgsCert')(found) &&
      (accepted(found) || JSON.stringify(found.expected).includes('no_supported_')),
  },
  {
    name: 'signature_algs without a scheme that can sign a handshake are refused where TLS 1.3 stands alone',
    applies: (found) =>
      accepted(found) &&
      refusedTag(found) === 'no_supported_signature_schemes' &&
      JSON.stringify(found.options['versions']) === '["tlsv1.3"]',
  },
  {
    name: 'an option that is undefined is an absent one',
    applies: (found) => 'ok' in found.answer && Object.values(found.options).includes(undefined),
  },
  {
    name: 'an empty file name in bytes is refused, as the empty text is',
    applies: (found) => accepted(found) && refusedFor('certfile', 'keyfile', 'cacertfile', 'dhfile')(found),
  },
  {
    name: '† socket options and unknown keys of handshake/2,3 are not ignored',
    applies: (found) =>
      isHandshake(found) &&
      accepted(found) &&
      refusedFor('socket_options', 'mode', 'packet', 'packetSize', 'header', 'active')(found),
  },
  {
    name: "reuseaddr false and a negative backlog are refused on a listener: node's can do neither",
    applies: (found) =>
      found.test.function === 'listen' &&
      accepted(found) &&
      ('reuseaddr' in found.options || 'backlog' in found.options),
  },
  {
    name: '† unknown keys of an upgrade are not ignored',
    applies: (found) =>
      found.test.function.startsWith('upgrade_') && accepted(found) && refusedFor('socket_options')(found),
  },
  {
    name: 'an object is how we write the list of customize_hostname_check',
    applies: (found) => 'ok' in found.answer && 'customizeHostnameCheck' in found.options,
  },
  {
    name: 'inet: true is how an object says the atom inet',
    applies: (found) => 'ok' in found.answer && found.options['inet'] === true,
  },
  {
    name: "a client without any CA takes the system's store (contract §2.5)",
    applies: (found) =>
      found.test.function === 'connect' &&
      'ok' in found.answer &&
      found.options['verify'] === 'verify_peer' &&
      found.options['cacerts'] === undefined &&
      found.options['cacertfile'] === undefined,
  },
  {
    name: 'recbuf and sndbuf are for DTLS: node has no such thing for TCP',
    applies: (found) => accepted(found) && /recbuf|sndbuf/.test(JSON.stringify(found.answer)),
  },
  {
    name: '† a number for active is not handed to the socket of datagrams',
    applies: (found) =>
      'ok' in found.answer &&
      found.options['protocol'] === 'dtls' &&
      typeof found.options['active'] === 'number',
  },
  {
    name: 'DTLS 1.3 is a version that we have and OTP has not',
    applies: (found) => JSON.stringify(found.options['versions'] ?? '').includes('dtlsv1.3'),
  },
  {
    name: '† dtls with versions of TLS is refused',
    applies: (found) => found.options['protocol'] === 'dtls' && refusedFor('versions')(found),
  },
  {
    name: 'handshake/2,3 judges the merged options as a whole',
    applies: (found) =>
      isHandshake(found) &&
      ['incompatible', 'no_supported_algorithms', 'dependency'].includes(String(refusedTag(found))),
  },
  {
    name: 'handshake/2,3 sees options that come behind the one that needs them',
    applies: (found) =>
      isHandshake(found) && JSON.stringify(found.expected).includes('"dependency",{"earlyData"'),
  },
  {
    name: 'keys agreed upon beforehand are for TLS 1.3 too',
    applies: (found) =>
      'ok' in found.answer &&
      /"dependency",\{"(?:pskIdentity|userLookupFun)"/.test(JSON.stringify(found.expected)),
  },
  {
    name: 'the term of a wrong srp_identity does not hold it: a password may be in it',
    applies: (found) =>
      refusedKey(found) === 'srpIdentity' && JSON.stringify(found.expected).includes('"srpIdentity"'),
  },
  {
    name: 'tickets that keep the client certificate, of OTP 28',
    applies: (found) =>
      'ok' in found.answer && String(found.options['sessionTickets']).endsWith('_with_cert'),
  },
  {
    name: 'a function may name fewer arguments than it is handed',
    applies: (found) => 'ok' in found.answer && JSON.stringify(found.expected).includes('"userLookupFun":['),
  },
  {
    name: "connect names the socket options that were refused only, without ssl's own",
    applies: (found) =>
      found.test.function === 'connect' && !accepted(found) && refusedFor('socket_options')(found),
  },
  {
    name: 'listen answers a term for wrong socket options and unknown keys, where OTP raises badarg',
    applies: (found) =>
      'error' in found.expected && found.expected.error === 'badarg' && refusedFor('socket_options')(found),
  },
];
