/**
 * Named groups of "supported_groups" (RFC 8446 §4.2.7, RFC 7919, RFC 8422 §5.1.1): number and kind.
 *
 * `tls13` marks those that OTP's `supported_groups` option and TLS 1.3 key shares know (`ssl:groups/0`); the others
 * are curves of TLS 1.2 and before (`ssl:eccs/0`). Order within each list is OTP's.
 */

export type Tls13GroupName =
  | 'x25519'
  | 'x448'
  | 'secp256r1'
  | 'secp384r1'
  | 'secp521r1'
  | 'ffdhe2048'
  | 'ffdhe3072'
  | 'ffdhe4096'
  | 'ffdhe6144'
  | 'ffdhe8192';
export type CurveName =
  | 'sect571r1'
  | 'sect571k1'
  | 'secp521r1'
  | 'brainpoolP512r1'
  | 'sect409k1'
  | 'sect409r1'
  | 'brainpoolP384r1'
  | 'secp384r1'
  | 'sect283k1'
  | 'sect283r1'
  | 'brainpoolP256r1'
  | 'secp256k1'
  | 'secp256r1'
  | 'sect239k1'
  | 'sect233k1'
  | 'sect233r1'
  | 'secp224k1'
  | 'secp224r1'
  | 'sect193r1'
  | 'sect193r2'
  | 'secp192k1'
  | 'secp192r1'
  | 'sect163k1'
  | 'sect163r1'
  | 'sect163r2'
  | 'secp160k1'
  | 'secp160r1'
  | 'secp160r2';
export type NamedGroup = Tls13GroupName | CurveName;

/** Groups a TLS 1.3 key share may use, as `ssl:groups/0` lists them. */
export const tls13Groups: readonly Tls13GroupName[] = [
  'x25519',
  'x448',
  'secp256r1',
  'secp384r1',
  'secp521r1',
  'ffdhe2048',
  'ffdhe3072',
  'ffdhe4096',
  'ffdhe6144',
  'ffdhe8192',
];

/** What is offered unless the user says otherwise (`ssl:groups(default)`). */
export const defaultTls13Groups: readonly Tls13GroupName[] = ['x25519', 'x448', 'secp256r1', 'secp384r1'];

/** Curves of TLS 1.2 that are offered unless the user says otherwise; OTP offers all it has, the oddest first. */
export const defaultCurves: readonly Tls13GroupName[] = [...defaultTls13Groups, 'secp521r1'];

/** Curves of TLS 1.2 and before, as `ssl:eccs/0` lists them, before asking what the engine has. */
export const eccCurves: readonly CurveName[] = [
  'sect571r1',
  'sect571k1',
  'secp521r1',
  'brainpoolP512r1',
  'sect409k1',
  'sect409r1',
  'brainpoolP384r1',
  'secp384r1',
  'sect283k1',
  'sect283r1',
  'brainpoolP256r1',
  'secp256k1',
  'secp256r1',
  'sect239k1',
  'sect233k1',
  'sect233r1',
  'secp224k1',
  'secp224r1',
  'sect193r1',
  'sect193r2',
  'secp192k1',
  'secp192r1',
  'sect163k1',
  'sect163r1',
  'sect163r2',
  'secp160k1',
  'secp160r1',
  'secp160r2',
];

const codes: Readonly<Record<NamedGroup, number>> = {
  sect163k1: 1,
  sect163r1: 2,
  sect163r2: 3,
  sect193r1: 4,
  sect193r2: 5,
  sect233k1: 6,
  sect233r1: 7,
  sect239k1: 8,
  sect283k1: 9,
  sect283r1: 10,
  sect409k1: 11,
  sect409r1: 12,
  sect571k1: 13,
  sect571r1: 14,
  secp160k1: 15,
  secp160r1: 16,
  secp160r2: 17,
  secp192k1: 18,
  secp192r1: 19,
  secp224k1: 20,
  secp224r1: 21,
  secp256k1: 22,
  secp256r1: 23,
  secp384r1: 24,
  secp521r1: 25,
  brainpoolP256r1: 26,
  brainpoolP384r1: 27,
  brainpoolP512r1: 28,
  x25519: 29,
  x448: 30,
  ffdhe2048: 256,
  ffdhe3072: 257,
  ffdhe4096: 258,
  ffdhe6144: 259,
  ffdhe8192: 260,
};

const byCode: ReadonlyMap<number, NamedGroup> = new Map(
  [...tls13Groups, ...eccCurves].map((name) => [codes[name], name]),
);

/** The two bytes on the wire. */
export function groupCode(name: NamedGroup): number {
  return codes[name];
}

/** The group with this number; `undefined` for GREASE and unknown ones. */
export function groupByCode(code: number): NamedGroup | undefined {
  return byCode.get(code);
}

/** Whether a name is a group or curve, built or not. */
export function isNamedGroup(name: unknown): name is NamedGroup {
  return typeof name === 'string' && Object.hasOwn(codes, name);
}

/** Whether a name is one that TLS 1.3 key exchange knows, built or not. */
export function isTls13Group(name: unknown): name is Tls13GroupName {
  return tls13Groups.some((group) => group === name);
}
