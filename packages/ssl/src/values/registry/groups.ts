/**
 * Named groups of "supported_groups" (RFC 8446 §4.2.7, RFC 7919, RFC 8422 §5.1.1): number and kind.
 *
 * `tls13` marks those that OTP's `supported_groups` option and TLS 1.3 key shares know (`ssl:groups/0`), with the hybrid
 * ones of draft-ietf-tls-ecdhe-mlkem, which OTP has since 28, and RFC 8734's; the others are curves of TLS 1.2 and before
 * (`ssl:eccs/0`). Order within each list is OTP's.
 */

export type Tls13GroupName =
  | 'x25519mlkem768'
  | 'secp256r1mlkem768'
  | 'secp384r1mlkem1024'
  | 'x25519'
  | 'x448'
  | 'secp256r1'
  | 'secp384r1'
  | 'secp521r1'
  | 'ffdhe2048'
  | 'ffdhe3072'
  | 'ffdhe4096'
  | 'ffdhe6144'
  | 'ffdhe8192'
  | 'brainpoolP256r1tls13'
  | 'brainpoolP384r1tls13'
  | 'brainpoolP512r1tls13';
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
/** Of both lists. */
export type Tls13CurveName = 'x25519' | 'x448' | 'secp256r1' | 'secp384r1' | 'secp521r1';
export type NamedGroup = Tls13GroupName | CurveName;

/** Secure also against who records today and has a quantum computer one day; the cheapest first. */
const hybridGroups = ['x25519mlkem768', 'secp256r1mlkem768', 'secp384r1mlkem1024'] as const;

/** Groups a TLS 1.3 key share may use, as `ssl:groups/0` lists them. */
export const tls13Groups: readonly Tls13GroupName[] = [
  ...hybridGroups,
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
  'brainpoolP256r1tls13',
  'brainpoolP384r1tls13',
  'brainpoolP512r1tls13',
];

const safeCurves = ['x25519', 'x448', 'secp256r1', 'secp384r1'] as const;

/** What is offered unless the user says otherwise (`ssl:groups(default)`): OTP 25's behind the hybrid ones. */
export const defaultTls13Groups: readonly Tls13GroupName[] = [...hybridGroups, ...safeCurves];

/** Curves of TLS 1.2 that are offered unless the user says otherwise; OTP offers all it has, the oddest first. */
export const defaultCurves: readonly Tls13CurveName[] = [...safeCurves, 'secp521r1'];

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
  brainpoolP256r1tls13: 31,
  brainpoolP384r1tls13: 32,
  brainpoolP512r1tls13: 33,
  ffdhe2048: 256,
  ffdhe3072: 257,
  ffdhe4096: 258,
  ffdhe6144: 259,
  ffdhe8192: 260,
  secp256r1mlkem768: 0x11eb,
  x25519mlkem768: 0x11ec,
  secp384r1mlkem1024: 0x11ed,
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

/** Whether a name is a curve that TLS 1.2 knows, built or not. */
export function isTls12Curve(name: unknown): name is Tls13CurveName | CurveName {
  return name === 'x25519' || name === 'x448' || eccCurves.some((curve) => curve === name);
}

/** Whether a name is one that TLS 1.3 key exchange knows, built or not. */
export function isTls13Group(name: unknown): name is Tls13GroupName {
  return tls13Groups.some((group) => group === name);
}
