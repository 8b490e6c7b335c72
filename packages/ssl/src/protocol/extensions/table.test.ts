import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { RawExtension } from '../../values/wire/messages/extension.js';
import { AlertError } from '../reasons.js';
import { acceptProtocol, selectProtocol } from './alpn.js';
import { checkShares } from './key-share.js';
import { hostName, nameToSend, offerHostName } from './server-name.js';
import {
  type CertificateEntryExtensions,
  type CertificateRequestExtensions,
  type ClientHelloExtensions,
  type Column,
  certificateEntryColumn,
  certificateRequestColumn,
  clientHelloColumn,
  type EncryptedExtensionsSet,
  encryptedExtensionsColumn,
  type HelloRetryRequestExtensions,
  helloRetryRequestColumn,
  type NewSessionTicketExtensions,
  newSessionTicketColumn,
  readAnswer,
  readExtensions,
  type ServerHelloExtensions,
  serverHelloColumn,
  writeExtensions,
} from './table.js';

const u8 = fc.nat({ max: 0xff });
const u16 = fc.nat({ max: 0xffff });
const u32 = fc.nat({ max: 0xffffffff });
const bytes = (min: number, max: number) => fc.uint8Array({ minLength: min, maxLength: max });
const maybe = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(arbitrary, { nil: undefined });
const codes = maybe(fc.array(u16, { minLength: 1, maxLength: 5 }));
const present = fc.constantFrom<true | undefined>(true, undefined);
const share = fc.record({ group: u16, keyExchange: bytes(1, 40) });

const clientHello: fc.Arbitrary<ClientHelloExtensions> = fc.record({
  serverName: maybe(
    fc.array(fc.record({ nameType: u8, name: bytes(1, 20) }), { minLength: 1, maxLength: 2 }),
  ),
  encryptThenMac: present,
  useSrtp: maybe(
    fc.record({
      protectionProfiles: fc.array(bytes(2, 2), { minLength: 1, maxLength: 4 }),
      mki: bytes(0, 255),
    }),
  ),
  connectionId: maybe(fc.record({ cid: bytes(0, 255) })),
  returnRoutability: present,
  sessionTicket: fc.option(fc.uint8Array({ maxLength: 300 }), { nil: undefined }),
  srpUser: fc.option(fc.uint8Array({ minLength: 1, maxLength: 255 }), { nil: undefined }),
  nextProtocolWish: present,
  maxFragmentLength: maybe(u8),
  extendedMasterSecret: present,
  ecPointFormats: maybe(fc.array(u8, { minLength: 1, maxLength: 3 })),
  supportedGroups: codes,
  alpn: maybe(fc.array(bytes(1, 9), { minLength: 1, maxLength: 3 })),
  statusRequest: maybe(
    fc.record({
      responderIds: fc.array(bytes(1, 9), { maxLength: 2 }),
      requestExtensions: bytes(0, 9),
    }),
  ),
  recordSizeLimit: maybe(u16),
  compressCertificate: codes,
  signatureAlgorithms: codes,
  signatureAlgorithmsCert: codes,
  supportedVersions: codes,
  cookie: maybe(bytes(1, 9)),
  certificateAuthorities: maybe(fc.array(bytes(1, 9), { minLength: 1, maxLength: 3 })),
  postHandshakeAuth: present,
  pskKeyExchangeModes: maybe(fc.array(u8, { minLength: 1, maxLength: 3 })),
  keyShare: maybe(fc.array(share, { maxLength: 3 })),
  earlyData: present,
  renegotiationInfo: maybe(bytes(0, 12)),
  preSharedKey: maybe(
    fc.record({
      identities: fc.array(fc.record({ identity: bytes(1, 9), obfuscatedTicketAge: u32 }), {
        minLength: 1,
        maxLength: 3,
      }),
      binders: fc.array(bytes(32, 48), { minLength: 1, maxLength: 3 }),
    }),
  ),
});
const serverHello: fc.Arbitrary<ServerHelloExtensions> = fc.record({
  keyShare: maybe(share),
  selectedVersion: maybe(u16),
  preSharedKey: maybe(u16),
  connectionId: maybe(fc.record({ cid: bytes(0, 255) })),
  returnRoutability: present,
});
const helloRetryRequest: fc.Arbitrary<HelloRetryRequestExtensions> = fc.record({
  selectedGroup: maybe(u16),
  selectedVersion: maybe(u16),
  cookie: maybe(bytes(1, 9)),
});
const encryptedExtensions: fc.Arbitrary<EncryptedExtensionsSet> = fc.record({
  serverName: present,
  supportedGroups: codes,
  maxFragmentLength: maybe(u8),
  alpn: maybe(bytes(1, 9)),
  recordSizeLimit: maybe(u16),
  earlyData: present,
  useSrtp: maybe(
    fc.record({
      protectionProfiles: fc.array(bytes(2, 2), { minLength: 1, maxLength: 4 }),
      mki: bytes(0, 255),
    }),
  ),
});
const certificateRequest: fc.Arbitrary<CertificateRequestExtensions> = fc.record({
  signatureAlgorithms: codes,
  signatureAlgorithmsCert: codes,
  certificateAuthorities: maybe(fc.array(bytes(1, 9), { minLength: 1, maxLength: 3 })),
  statusWanted: maybe(bytes(0, 9)),
  compressCertificate: codes,
});
const certificateEntry: fc.Arbitrary<CertificateEntryExtensions> = fc.record({
  certificateStatus: maybe(bytes(1, 9)),
});
const newSessionTicket: fc.Arbitrary<NewSessionTicketExtensions> = fc.record({
  maxEarlyDataSize: maybe(u32),
});

/** status_request's shape is not looked at yet: all of its bytes are its value. */
const shapeless: ReadonlySet<number> = new Set([5, 35]);

function describeColumn<Extensions>(
  name: string,
  column: Column<Extensions>,
  arbitrary: fc.Arbitrary<Extensions>,
): void {
  describe(name, () => {
    test('comes back as it went', () => {
      fc.assert(
        fc.property(arbitrary, (set) => {
          expect(readExtensions(column, writeExtensions(column, set))).toEqual(set);
        }),
        { numRuns: 60 },
      );
    });

    test('rejects every proper prefix of each extension and any trailing byte', () => {
      fc.assert(
        fc.property(arbitrary, u8, (set, extra) => {
          for (const extension of writeExtensions(column, set)) {
            const { extensionType, extensionData: data } = extension;
            if (shapeless.has(extensionType)) continue;
            for (let end = 0; end < data.length; end += 1) {
              expect(
                reasonOf(() =>
                  readExtensions(column, [{ extensionType, extensionData: data.subarray(0, end) }]),
                ),
              ).toBe('malformed_extension');
            }
            const longer = [{ extensionType, extensionData: Uint8Array.from([...data, extra]) }];
            expect(reasonOf(() => readExtensions(column, longer))).toBe('malformed_extension');
          }
        }),
        { numRuns: 15 },
      );
    });
  });
}

function reasonOf(action: () => unknown): string | undefined {
  try {
    action();
    return undefined;
  } catch (error) {
    if (error instanceof AlertError) return error.reason;
    throw error;
  }
}

const raw = (extensionType: number, ...data: readonly number[]): RawExtension => ({
  extensionType,
  extensionData: Uint8Array.from(data),
});

describeColumn('ClientHello', clientHelloColumn, clientHello);
describeColumn('ServerHello', serverHelloColumn, serverHello);
describeColumn('HelloRetryRequest', helloRetryRequestColumn, helloRetryRequest);
describeColumn('EncryptedExtensions', encryptedExtensionsColumn, encryptedExtensions);
describeColumn('CertificateRequest', certificateRequestColumn, certificateRequest);
describeColumn('CertificateEntry', certificateEntryColumn, certificateEntry);
describeColumn('NewSessionTicket', newSessionTicketColumn, newSessionTicket);

describe('the table of RFC 8446 §4.2', () => {
  const none = { CH: false, SH: false, HRR: false, EE: false, CR: false, CT: false, NST: false };
  test.each([
    ['server_name', 0, { ...none, CH: true, EE: true }],
    ['status_request', 5, { ...none, CH: true, CR: true, CT: true }],
    ['supported_groups', 10, { ...none, CH: true, EE: true }],
    ['signature_algorithms', 13, { ...none, CH: true, CR: true }],
    ['application_layer_protocol_negotiation', 16, { ...none, CH: true, EE: true }],
    ['pre_shared_key', 41, { ...none, CH: true, SH: true }],
    ['early_data', 42, { ...none, CH: true, EE: true, NST: true }],
    ['supported_versions', 43, { ...none, CH: true, SH: true, HRR: true }],
    ['cookie', 44, { ...none, CH: true, HRR: true }],
    ['psk_key_exchange_modes', 45, { ...none, CH: true }],
    ['certificate_authorities', 47, { ...none, CH: true, CR: true }],
    ['signature_algorithms_cert', 50, { ...none, CH: true, CR: true }],
    ['key_share', 51, { ...none, CH: true, SH: true, HRR: true }],
    ['connection_id', 54, { ...none, CH: true, SH: true }],
    ['rrc', 61, { ...none, CH: true, SH: true }],
  ])('%s stands where it says', (_name, code, where) => {
    const has = (column: { readonly fields: readonly { readonly code: number }[] }) =>
      column.fields.some((field) => field.code === code);
    expect({
      CH: has(clientHelloColumn),
      SH: has(serverHelloColumn),
      HRR: has(helloRetryRequestColumn),
      EE: has(encryptedExtensionsColumn),
      CR: has(certificateRequestColumn),
      CT: has(certificateEntryColumn),
      NST: has(newSessionTicketColumn),
    }).toEqual(where);
  });

  test('unknown extensions are ignored where a subject starts', () => {
    const unknown = [raw(0x0a0a), raw(36), raw(13173), raw(0xfafa), raw(0x7a7a, 64, 1)];
    expect(readExtensions(clientHelloColumn, unknown)).toEqual(clientHelloColumn.none());
    expect(readExtensions(newSessionTicketColumn, unknown)).toEqual(newSessionTicketColumn.none());
  });

  test('in an answer they are taken when asked for, and else unsolicited', () => {
    expect(readAnswer(encryptedExtensionsColumn, [raw(0x7a7a, 64, 1)], [raw(0x7a7a, 64, 1)])).toEqual(
      encryptedExtensionsColumn.none(),
    );
    expect(reasonOf(() => readAnswer(encryptedExtensionsColumn, [raw(0x7a7a, 64, 1)], []))).toBe(
      'unsolicited_extension',
    );
  });

  test('a cookie may come unasked', () => {
    expect(readAnswer(helloRetryRequestColumn, [raw(44, 0, 1, 9)], []).cookie).toEqual(Uint8Array.of(9));
  });

  test('what is known and misplaced is told as such, what stands twice too', () => {
    expect(reasonOf(() => readExtensions(certificateRequestColumn, [raw(51)]))).toBe('misplaced_extension');
    expect(reasonOf(() => readExtensions(clientHelloColumn, [raw(0x0a0a), raw(0x0a0a)]))).toBe(
      'duplicate_extension',
    );
  });
});

describe('what extensions mean', () => {
  test.each(['10.0.0.1', '127.1', '::1', 'a..b', '*.a', '../../etc', 'b\u00fccher.example'])(
    'what is no host name counts as no name: %s',
    (name) => expect(hostName(offerHostName(name))).toBeUndefined(),
  );

  test('only a name is sent, in its one form', () => {
    expect(nameToSend('B\u00dcCHER.example.')).toBe('xn--bcher-kva.example');
    for (const host of [undefined, '10.0.0.1', '0x7f.1', '[::1]', 'fe80::1%eth0', 'a..b', '', 'a b'])
      expect(nameToSend(host)).toBeUndefined();
  });

  test('a host name is one, not empty, without a dot at its end', () => {
    expect(hostName(undefined)).toBeUndefined();
    expect(hostName(offerHostName('example.org'))).toBe('example.org');
    expect(hostName(offerHostName('WWW.Example.ORG'))).toBe('www.example.org');
    expect(reasonOf(() => hostName(offerHostName('')))).toBe('unrecognized_name');
    expect(reasonOf(() => hostName(offerHostName('a.')))).toBe('unrecognized_name');
    expect(reasonOf(() => hostName(offerHostName('a\0b')))).toBe('malformed_extension');
    expect(reasonOf(() => hostName([...offerHostName('a'), ...offerHostName('b')]))).toBe(
      'malformed_extension',
    );
    expect(reasonOf(() => hostName([{ nameType: 1, name: Uint8Array.of(97) }]))).toBe('malformed_extension');
  });

  test('ALPN selects in the server order, or nothing, or fails', () => {
    const [a, b, c] = [Uint8Array.of(1), Uint8Array.of(2), Uint8Array.of(3)];
    if (a === undefined || b === undefined || c === undefined) return;
    expect(selectProtocol([a, b], [b, a])).toBe(b);
    expect(selectProtocol(undefined, [a])).toBeUndefined();
    expect(selectProtocol([a], undefined)).toBeUndefined();
    expect(reasonOf(() => selectProtocol([a], [c]))).toBe('no_application_protocol');
    expect(acceptProtocol(undefined, [a])).toBeUndefined();
    expect(acceptProtocol(a, [a])).toEqual(a);
    expect(reasonOf(() => acceptProtocol(b, [a]))).toBe('wrong_application_protocol');
    expect(reasonOf(() => acceptProtocol(b, undefined))).toBe('wrong_application_protocol');
  });

  test('an ALPN answer names exactly one protocol', () => {
    const answer = raw(16, 0, 4, 1, 97, 1, 98);
    expect(reasonOf(() => readAnswer(encryptedExtensionsColumn, [answer], [answer]))).toBe(
      'malformed_extension',
    );
  });

  test('shares are at most one per group, of groups that are named', () => {
    const entry = (group: number) => ({ group, keyExchange: Uint8Array.of(1) });
    expect(reasonOf(() => checkShares([entry(29), entry(23)], [29, 23]))).toBeUndefined();
    expect(reasonOf(() => checkShares([entry(29), entry(29)], [29]))).toBe('duplicate_key_share');
    expect(reasonOf(() => checkShares([entry(24)], [29]))).toBe('key_share_outside_groups');
  });
});
