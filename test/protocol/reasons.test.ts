/** Every reason is provoked; the failure is told once, the alert sent once, and nothing moves afterwards. */
import { deflateSync } from 'node:zlib';
import { type CookieSealer, Core, nodeCompressors, sealKeyUpdate, type WriteHalf } from '@actor-tls/ssl/core';
import { describe, expect, test } from 'vitest';
import { type Reason, reasons } from '../../packages/ssl/src/protocol/reasons.js';
import { Tls13ReadProtection } from '../../packages/ssl/src/protocol/record/tls13-protection.js';
import { TrafficSecret } from '../../packages/ssl/src/protocol/tls13/key-schedule.js';
import { alertByCode, alertCode } from '../../packages/ssl/src/values/registry/alerts.js';
import { srpGroup } from '../../packages/ssl/src/values/registry/srp-groups.js';
import { allSuites } from '../../packages/ssl/src/values/registry/suites.js';
import { Secret } from '../../packages/ssl/src/values/secret.js';
import { helloRetryRequestRandom } from '../../packages/ssl/src/values/wire/messages/server-hello.js';
import { tls12Messages } from '../../packages/ssl/src/values/wire/tls12-messages.js';
import {
  decodeHandshake,
  encodeHandshake,
  type Tls13Bodies,
} from '../../packages/ssl/src/values/wire/tls13-messages.js';
import { onEngine } from '../support/engine.js';
import {
  type Bend,
  bent,
  bentHandshake,
  change,
  change12,
  extension,
  plainRecord,
  replaced,
  without,
} from './bend.js';
import { DatagramLink, dtlsPair } from './datagram-link.js';
import {
  forgeries,
  lateVersion,
  malformedAck,
  oldCookie,
  requestIds,
  saidWithIds,
  spareIds,
  wrongAck,
} from './dtls13-faults.js';
import { type HeldChannel, holding } from './held-channel.js';
import { bytes, offerOf, type PskScene, pskEnds, secretOf, suite } from './psk-ends.js';
import { twice } from './session-ends.js';
import {
  acceptKnown,
  type ClientOverrides,
  client,
  connected,
  type End,
  engine,
  exchange,
  identityOf,
  KeyedRecorder,
  type ServerOverrides,
  server,
  serverOptions,
  suites,
  suites12,
  tls12,
} from './two-cores.js';

/** The end that finds fault, and an honest enough one to hear its alert (none: the alert is in the clear). */
interface Provoked {
  readonly victim: End;
  readonly peer?: End;
}

/** The server is sent one changed ClientHello. */
function helloToServer(
  rewrite: (body: Tls13Bodies['client_hello']) => Tls13Bodies['client_hello'],
  clientOverrides: ClientOverrides = {},
  serverOverrides: ServerOverrides = {},
): Provoked {
  const ends = bentHandshake('client', change('client_hello', rewrite), clientOverrides, serverOverrides);
  return { victim: ends.server, peer: ends.client };
}

function extensionsToServer(
  rewrite: (
    extensions: Tls13Bodies['client_hello']['extensions'],
  ) => Tls13Bodies['client_hello']['extensions'],
  clientOverrides: ClientOverrides = {},
  serverOverrides: ServerOverrides = {},
): Provoked {
  return helloToServer(
    (body) => ({ ...body, extensions: rewrite(body.extensions) }),
    clientOverrides,
    serverOverrides,
  );
}

/** The client is sent one changed message. */
function toClient(
  bend: Bend,
  clientOverrides: ClientOverrides = {},
  serverOverrides: ServerOverrides = {},
): Provoked {
  const ends = bentHandshake('server', bend, clientOverrides, serverOverrides);
  return { victim: ends.client, peer: ends.server };
}

function toServer(
  bend: Bend,
  clientOverrides: ClientOverrides = {},
  serverOverrides: ServerOverrides = {},
): Provoked {
  const ends = bentHandshake('client', bend, clientOverrides, serverOverrides);
  return { victim: ends.server, peer: ends.client };
}

/** A handshake under a key that both have. */
function underPsk(scene: PskScene): ReturnType<typeof pskEnds> {
  const ends = pskEnds(scene);
  ends.client.core.start();
  exchange(ends.client, ends.server);
  return ends;
}

/** A server is sent raw bytes at once. */
function bytesToServer(...chunks: readonly Uint8Array[]): Provoked {
  const victim = server();
  for (const chunk of chunks) victim.core.receive(chunk);
  return { victim };
}

/** A client that has sent its hello is sent raw bytes. */
function bytesToClient(...chunks: readonly Uint8Array[]): Provoked {
  const victim = client();
  victim.core.start();
  victim.sink.take();
  for (const chunk of chunks) victim.core.receive(chunk);
  return { victim };
}

/** Records of our making to a connected server, under the client's keys. */
function onConnection(make: (write: WriteHalf, peer: HeldChannel) => readonly Uint8Array[]): Provoked {
  const held = holding();
  const ends = connected(held.override);
  const records = make(ends.client.core.split(), held.channel);
  for (const record of records) ends.server.core.receive(new Uint8Array(record));
  return { victim: ends.server, peer: ends.client };
}

/** Keys under which the peer has sent all the records that there are numbers for. */
class ExhaustedKeys extends Tls13ReadProtection {
  override sequence: number = Number.MAX_SAFE_INTEGER;
}

const clientAuthentication: ServerOverrides = { config: { verify: 'verify_peer', failIfNoPeerCert: true } };
const withCertificate: ClientOverrides = { identities: [identityOf('ed25519').identity] };
const oneGroup: ServerOverrides = { config: { supportedGroups: ['secp256r1'] } };
const firstByteFlipped = (bytes: Uint8Array): Uint8Array =>
  bytes.map((byte, at) => (at === 0 ? byte ^ 1 : byte));
const psk = extension(41, [0, 7, 0, 1, 9, 0, 0, 0, 0, 0, 33, 32, ...Array.from({ length: 32 }, () => 1)]);

/** Cookies that anybody can make. */
const plainCookies: CookieSealer = {
  seal: (content) => Uint8Array.of(1, ...content),
  open: (cookie) => (cookie[0] === 1 ? cookie.subarray(1) : undefined),
};

/** A client that can read compressed certificates. */
function reads(receive: readonly ('zlib' | 'brotli')[]): ClientOverrides {
  return {
    dependencies: { engine, compressors: nodeCompressors },
    config: { certificateCompression: { send: [], receive } },
  };
}

/** The server's Certificate goes out as one compressed by zlib, whatever number that gets. */
function compressedAs(algorithm: number, rewrite: (compressed: Uint8Array) => Uint8Array): Bend {
  return (type, message) => {
    if (type !== 'certificate') return [message];
    const compressedCertificateMessage = rewrite(deflateSync(message.subarray(4)));
    const uncompressedLength = message.length - 4;
    return [
      encodeHandshake('compressed_certificate', {
        algorithm,
        uncompressedLength,
        compressedCertificateMessage,
      }),
    ];
  };
}

const provocations: Readonly<Record<Reason, () => Provoked>> = {
  unexpected_message: () => bytesToServer(plainRecord(22, [20, 0, 0, 1, 0])),
  malformed_message: () =>
    toServer((type, message) => [
      type === 'client_hello' ? Uint8Array.from([1, 0, 0, 40, ...message.subarray(4, 44)]) : message,
    ]),
  malformed_extension: () => extensionsToServer((list) => replaced(list, 10, [0, 3, 0, 29, 0])),
  unexpected_change_cipher_spec: () => bytesToServer(plainRecord(20, [1])),
  too_many_change_cipher_specs: () => bytesToClient(...Array.from({ length: 9 }, () => plainRecord(20, [1]))),
  unexpected_application_data: () =>
    toClient((type, message, channel) => {
      if (type === 'certificate') channel.sendTooEarly(Uint8Array.of(1));
      return [message];
    }),
  duplicate_extension: () => extensionsToServer((list) => [...list, ...list.slice(0, 1)]),
  misplaced_extension: () =>
    toClient(
      change('encrypted_extensions', ({ extensions }) => ({
        extensions: [...extensions, extension(43, [3, 4])],
      })),
    ),
  unsolicited_extension: () =>
    toClient(
      change('encrypted_extensions', ({ extensions }) => ({
        extensions: [...extensions, extension(0xabcd)],
      })),
    ),
  pre_shared_key_not_last: () => extensionsToServer((list) => [psk, extension(45, [1, 1]), ...list]),
  missing_supported_groups: () => extensionsToServer((list) => without(list, 10)),
  missing_signature_algorithms: () => extensionsToServer((list) => without(list, 13)),
  missing_key_share: () => extensionsToServer((list) => without(list, 51)),
  missing_psk_modes: () => extensionsToServer((list) => [...list, psk]),
  psk_binder_count: () => {
    const binders = Array.from({ length: 2 }, () => [32, ...Array.from({ length: 32 }, () => 1)]).flat();
    const two = extension(41, [0, 7, 0, 1, 9, 0, 0, 0, 0, 0, 66, ...binders]);
    return extensionsToServer((list) => [...list, extension(45, [1, 1]), two]);
  },
  bad_psk_binder: () => {
    const ends = underPsk({ known: { secret: secretOf(2) } });
    return { victim: ends.server, peer: ends.client };
  },
  unknown_psk: () => {
    const ends = underPsk({ known: 'unknown', server: { identities: [] } });
    return { victim: ends.server, peer: ends.client };
  },
  wrong_psk_selection: () => {
    const wrong = change('server_hello', (body) => ({
      ...body,
      extensions: replaced(body.extensions, 41, [0, 1]),
    }));
    const ends = underPsk({ server: bent(wrong) });
    return { victim: ends.client, peer: ends.server };
  },
  wrong_early_data_answer: () => {
    const [h2, h3] = [bytes('h2'), bytes('h3')];
    const belief = { earlyData: { suite: suite('TLS_AES_128_GCM_SHA256'), alpn: h2, maxSize: 9 } };
    const wrong = change('encrypted_extensions', ({ extensions }) => ({
      extensions: replaced(extensions, 16, [0, 3, 2, ...h3]),
    }));
    const ends = underPsk({
      psks: [offerOf(belief)],
      known: belief,
      earlyData: 'offered',
      client: { config: { alpnAdvertisedProtocols: [h2, h3] } },
      server: { ...bent(wrong), config: { alpnPreferredProtocols: [h2] } },
    });
    return { victim: ends.client, peer: ends.server };
  },
  too_much_early_data: () => {
    const terms = { suite: suite('TLS_AES_128_GCM_SHA256'), alpn: undefined, maxSize: 10 };
    const ends = pskEnds({ earlyData: 'offered', known: { earlyData: terms } });
    ends.client.core.start();
    ends.client.core.sendEarlyData(new Uint8Array(11));
    exchange(ends.client, ends.server);
    return { victim: ends.server, peer: ends.client };
  },
  older_version_after_early_data: () => {
    const ends = pskEnds({
      earlyData: 'offered',
      client: { config: { versions: ['tlsv1.3', 'tlsv1.2'] } },
    });
    ends.client.core.start();
    ends.server.core.receive(ends.client.sink.take());
    const [hello] = ends.server.sink.outbox;
    if (hello === undefined) throw new Error('no ServerHello');
    const message = hello.subarray(5, 9 + ((hello[7] ?? 0) << 8) + (hello[8] ?? 0));
    const older = { ...decodeHandshake('server_hello', message), cipherSuite: 0xc02b, extensions: [] };
    ends.client.core.receive(plainRecord(22, encodeHandshake('server_hello', older)));
    return { victim: ends.client, peer: ends.server };
  },
  unsupported_version: () => extensionsToServer((list) => without(list, 43)),
  wrong_selected_version: () =>
    toClient(
      change('server_hello', (body) => ({ ...body, extensions: replaced(body.extensions, 43, [3, 3]) })),
    ),
  downgrade_detected: () =>
    toClient(
      change('server_hello', (body) => ({
        ...body,
        random: Uint8Array.from([...body.random.subarray(0, 24), ...Buffer.from('DOWNGRD'), 1]),
        extensions: without(body.extensions, 43),
      })),
    ),
  inappropriate_fallback: () =>
    helloToServer((body) => ({
      ...body,
      cipherSuites: [...body.cipherSuites, 0x5600],
      extensions: replaced(body.extensions, 43, [2, 3, 3]),
    })),
  wrong_legacy_version: () =>
    toClient(change('server_hello', (body) => ({ ...body, legacyVersion: 0x0301 }))),
  wrong_session_id_echo: () =>
    toClient(
      change('server_hello', (body) => ({
        ...body,
        legacySessionIdEcho: firstByteFlipped(body.legacySessionIdEcho),
      })),
    ),
  resumption_changed: () => {
    const { client: victim, server: peer } = twice({
      by: 'id',
      offer: (offered) => ({ ...offered, session: { ...offered.session, encryptThenMac: true } }),
    });
    return { victim, peer };
  },
  resumption_changed_master_secret: () => {
    const { client: victim, server: peer } = twice({
      by: 'id',
      offer: (offered) => ({ ...offered, session: { ...offered.session, derivation: 'plain' } }),
    });
    return { victim, peer };
  },
  wrong_compression: () =>
    helloToServer((body) => ({ ...body, legacyCompressionMethods: Uint8Array.of(0, 1) })),
  wrong_cipher_suite: () => toClient(change('server_hello', (body) => ({ ...body, cipherSuite: 0x1306 }))),
  cipher_suite_changed: () => {
    let hellos = 0;
    const bend: Bend = (type, message) => {
      if (type !== 'server_hello' || ++hellos !== 2) return [message];
      const body = decodeHandshake('server_hello', message);
      return [encodeHandshake('server_hello', { ...body, cipherSuite: 0x1303 })];
    };
    return toClient(bend, {}, oneGroup);
  },
  wrong_renegotiation_info: () =>
    helloToServer(
      (body) => ({ ...body, extensions: [...body.extensions, extension(0xff01, [1, 7])] }),
      { config: tls12 },
      { config: tls12 },
    ),
  renegotiation_changes_peer: () => {
    const identities = [identityOf('ec').identity];
    const ends = connected({ config: tls12 }, { config: tls12, identities });
    identities[0] = identityOf('ed25519').identity;
    ends.client.core.renegotiate();
    exchange(ends.client, ends.server);
    return { victim: ends.client, peer: ends.server };
  },
  renegotiation_changes_terms: () => {
    let hellos = 0;
    const bend = bent((type, message) => {
      if (type !== 'client_hello' || hellos++ === 0) return [message];
      const hello = tls12Messages.decode('client_hello', message);
      return [tls12Messages.encode(type, { ...hello, extensions: without(hello.extensions, 23) })];
    });
    const ends = connected({ config: tls12, ...bend }, { config: tls12 });
    ends.client.core.renegotiate();
    exchange(ends.client, ends.server);
    return { victim: ends.server, peer: ends.client };
  },
  wrong_use_srtp: () => {
    const srtp = { protectionProfiles: [Uint8Array.of(0, 1)], mki: new Uint8Array(0) };
    const gcm = { config: { ...tls12, ciphers: suites12.slice(0, 1), useSrtp: srtp } };
    const bend = change('server_hello', (body) => ({
      ...body,
      extensions: replaced(body.extensions, 14, [0, 2, 0, 7, 0]),
    }));
    return toClient(bend, gcm, gcm);
  },
  wrong_connection_id: () => {
    const own = Uint8Array.of(1, 2, 3, 4, 5, 6, 7);
    const connectionId = { length: 7, check: 'none' } as const;
    const ends = dtlsPair({
      client: { config: { connectionId: { length: 0, check: 'basic' } } },
      server: { config: { connectionId }, ownConnectionId: () => own },
    });
    // In place of the ID a list of groups that is as long: rrc stands alone.
    const id = Buffer.from([0, 54, 0, 8, 7, ...own]);
    const groups = Buffer.from([0, 10, 0, 8, 0, 6, 0, 29, 0, 23, 0, 24]);
    const link = new DatagramLink(ends.client, ends.server, (bytes) => {
      const at = Buffer.from(bytes).indexOf(id);
      const changed =
        at < 0
          ? bytes
          : Uint8Array.from([...bytes.subarray(0, at), ...groups, ...bytes.subarray(at + id.length)]);
      return [{ after: 1, bytes: changed }];
    });
    ends.client.core.start();
    link.run(500);
    return { victim: ends.client };
  },
  wrong_new_connection_ids: () => saidWithIds([spareIds([], 0)]),
  too_many_cids_requested: () => saidWithIds(Array.from({ length: 17 }, () => requestIds(1))),
  wrong_encrypt_then_mac: () => {
    const gcm = { config: { ...tls12, ciphers: suites12.slice(0, 1) } };
    const bend = change('server_hello', (body) => ({
      ...body,
      extensions: [...body.extensions, extension(22)],
    }));
    return toClient(bend, gcm, gcm);
  },
  weak_dh: () => {
    const dhe = { ciphers: allSuites.filter(({ name }) => name === 'TLS_DHE_RSA_WITH_AES_128_GCM_SHA256') };
    return toClient(
      (_type, message) => [message],
      { config: { ...tls12, ...dhe } },
      {
        identities: [identityOf('rsa').identity],
        dhParams: srpGroup('srp_1024'),
        config: { ...tls12, ...dhe },
      },
    );
  },
  unknown_user: () => {
    const psk = {
      config: { ...tls12, ciphers: allSuites.filter(({ keyExchange }) => keyExchange === 'psk') },
    };
    const ours = client(psk);
    const sink = new KeyedRecorder(acceptKnown, () => undefined);
    const core = Core.server(serverOptions(psk), sink);
    sink.core = core;
    ours.core.start();
    exchange(ours, { core, sink });
    return { victim: ours, peer: { core, sink } };
  },
  too_many_renegotiations: () => {
    const ends = connected({ config: tls12 }, { config: tls12 });
    const write = ends.server.core.split();
    const wishes = Array.from({ length: 10 }, () => write.sealHandshake(Uint8Array.of(0, 0, 0, 0)));
    ends.client.core.receive(new Uint8Array(Buffer.concat(wishes.flat())));
    ends.server.core.join(write);
    return { victim: ends.client, peer: ends.server };
  },
  no_uncompressed_points: () =>
    extensionsToServer((list) => replaced(list, 11, [1, 1]), { config: tls12 }, { config: tls12 }),
  wrong_certificate_type: () =>
    toClient(
      change12('certificate', () => ({ certificateList: identityOf('rsa').identity.chain })),
      { config: tls12 },
      { config: tls12 },
    ),
  wrong_group: () =>
    toClient(
      change('server_hello', (body) => ({
        ...body,
        extensions: replaced(body.extensions, 51, [0, 23, 0, 1, 4]),
      })),
    ),
  bad_key_share: () =>
    extensionsToServer((list) => replaced(list, 51, [0, 36, 0, 29, 0, 32, ...new Uint8Array(32)])),
  duplicate_key_share: () =>
    extensionsToServer((list) => replaced(list, 51, [0, 10, 0, 29, 0, 1, 9, 0, 29, 0, 1, 9])),
  key_share_outside_groups: () => extensionsToServer((list) => replaced(list, 51, [0, 5, 1, 0, 0, 1, 9])),
  useless_retry: () =>
    toClient(
      change('server_hello', (body) => ({ ...body, extensions: without(body.extensions, 51) })),
      {},
      oneGroup,
    ),
  retry_for_known_share: () =>
    toClient(
      change('server_hello', (body) => ({ ...body, extensions: replaced(body.extensions, 51, [0, 29]) })),
      {},
      oneGroup,
    ),
  client_hello_changed: () => {
    let hellos = 0;
    const bend: Bend = (type, message) => {
      if (type !== 'client_hello' || ++hellos !== 2) return [message];
      const body = decodeHandshake('client_hello', message);
      return [encodeHandshake('client_hello', { ...body, random: firstByteFlipped(body.random) })];
    };
    return toServer(bend, {}, oneGroup);
  },
  missing_cookie: () => {
    const bend: Bend = (type, message) => {
      if (type !== 'client_hello') return [message];
      const body = decodeHandshake(type, message);
      return [encodeHandshake(type, { ...body, extensions: without(body.extensions, 44) })];
    };
    return toServer(bend, {}, { ...oneGroup, dependencies: { engine, cookies: plainCookies } });
  },
  wrong_cookie: () =>
    extensionsToServer(
      (list) => [...list, extension(44, [0, 1, 7])],
      {},
      {
        dependencies: { engine, cookies: plainCookies },
      },
    ),
  no_suitable_cipher: () => helloToServer((body) => ({ ...body, cipherSuites: [0xc02f] })),
  no_suitable_groups: () =>
    extensionsToServer((list) => replaced(replaced(list, 10, [0, 2, 1, 0]), 51, [0, 0])),
  no_suitable_signature_algorithm: () => extensionsToServer((list) => replaced(list, 13, [0, 2, 8, 7])),
  no_application_protocol: () =>
    extensionsToServer(
      (list) => list,
      { config: { alpnAdvertisedProtocols: [Buffer.from('a')] } },
      { config: { alpnPreferredProtocols: [Buffer.from('b')] } },
    ),
  wrong_application_protocol: () =>
    toClient(
      change('encrypted_extensions', ({ extensions }) => ({
        extensions: [...extensions, extension(16, [0, 2, 1, 99])],
      })),
      { config: { alpnAdvertisedProtocols: [Buffer.from('a')] } },
    ),
  two_application_protocols: () =>
    toClient(
      change('server_hello', (body) => ({
        ...body,
        extensions: [...body.extensions, extension(13_172, [1, 97])],
      })),
      {
        config: {
          ...tls12,
          alpnAdvertisedProtocols: [Buffer.from('a')],
          clientPreferredNextProtocols: {
            precedence: 'client',
            protocols: [Buffer.from('a')],
            default: undefined,
          },
        },
      },
      { config: { ...tls12, alpnPreferredProtocols: [Buffer.from('a')] } },
    ),
  no_next_protocol: () =>
    toClient(
      (_type, message) => [message],
      {
        config: {
          ...tls12,
          clientPreferredNextProtocols: { precedence: 'server', protocols: [], default: undefined },
        },
      },
      { config: { ...tls12, nextProtocolsAdvertised: [Buffer.from('a')] } },
    ),
  wrong_max_fragment_length: () => extensionsToServer((list) => [...list, extension(1, [5])]),
  wrong_record_size_limit: () => extensionsToServer((list) => [...list, extension(28, [0, 63])]),
  unknown_compression: () =>
    toClient(
      compressedAs(2, (body) => body),
      reads(['zlib']),
    ),
  bad_compressed_certificate: () =>
    toClient(
      compressedAs(1, (body) => body.subarray(1)),
      reads(['zlib']),
    ),
  unrecognized_name: () => extensionsToServer((list) => replaced(list, 0, [0, 5, 0, 0, 2, 97, 46])),
  wrong_certificate_context: () =>
    toClient(change('certificate', (body) => ({ ...body, certificateRequestContext: Uint8Array.of(1) }))),
  empty_certificate_list: () => toClient(change('certificate', (body) => ({ ...body, certificateList: [] }))),
  certificate_required: () => toServer((_type, message) => [message], {}, clientAuthentication),
  certificate_rejected: () => {
    const peer = server();
    const victim = client({}, (_chain, core) =>
      core.answerVerdict({ reject: { alert: 'bad_certificate', detail: { bad_cert: 'selfsigned_peer' } } }),
    );
    victim.core.start();
    exchange(victim, peer);
    return { victim, peer };
  },
  wrong_signature_scheme: () =>
    toClient(change('certificate_verify', (body) => ({ ...body, algorithm: 0x0503 }))),
  bad_signature: () =>
    toServer(
      change('certificate_verify', (body) => ({ ...body, signature: firstByteFlipped(body.signature) })),
      withCertificate,
      clientAuthentication,
    ),
  bad_finished: () =>
    toServer(change('finished', ({ verifyData }) => ({ verifyData: firstByteFlipped(verifyData) }))),
  wrong_key_update_request: () =>
    onConnection((write) => write.sealHandshake(encodeHandshake('key_update', { requestUpdate: 2 }))),
  too_many_key_updates: () =>
    onConnection((write) =>
      Array.from({ length: 33 }, () => sealKeyUpdate(write, 'update_not_requested')).flat(),
    ),
  too_many_certificate_requests() {
    // Nobody signs: no answer leaves.
    const { chain, schemes } = identityOf('ec').identity;
    const identities = [{ chain, schemes, key: 'remote' }] as const;
    const willing: ClientOverrides = { identities, config: { postHandshakeAuth: true } };
    const ends = connected(willing, { config: { verify: 'verify_peer', postHandshakeAuth: true } });
    const half = ends.server.core.split();
    const signatureAlgorithms = { extensionType: 13, extensionData: Uint8Array.of(0, 2, 4, 3) };
    for (let sent = 0; sent < 6; sent += 1) {
      const certificateRequestContext = Uint8Array.of(sent);
      const request = { certificateRequestContext, extensions: [signatureAlgorithms] };
      for (const piece of half.sealHandshake(encodeHandshake('certificate_request', request)))
        ends.client.core.receive(new Uint8Array(piece));
    }
    ends.server.core.join(half);
    return { victim: ends.client, peer: ends.server };
  },
  too_many_warnings: () =>
    onConnection((write) => Array.from({ length: 5 }, () => write.sealAlert(1, 90)).flat()),
  user_canceled: () => {
    const ends = { victim: client(), peer: server() };
    ends.victim.core.start();
    ends.victim.core.fail('user_canceled', 'user_canceled');
    ends.peer.core.receive(ends.victim.sink.take());
    return { victim: ends.victim };
  },
  local_failure: () => {
    const ends = connected();
    ends.server.core.fail('internal_error');
    return { victim: ends.server, peer: ends.client };
  },
  internal_error: () =>
    toServer(
      (_type, message) => [message],
      {},
      {
        dependencies: {
          engine,
          keyShare: () => {
            throw new TypeError('no entropy');
          },
        },
      },
    ),

  unknown_content_type: () => bytesToServer(Buffer.from('GET / HTTP/1.1\r\n\r\n')),
  unexpected_record_type: () => bytesToServer(plainRecord(23, [1, 2, 3])),
  wrong_record_version: () => bytesToServer(plainRecord(22, [1, 0, 0, 0], 0x0203)),
  record_overflow: () => bytesToServer(Uint8Array.of(22, 3, 3, 0x40, 1)),
  bad_record_mac: () =>
    onConnection((write) =>
      write.sealApplicationData(Uint8Array.of(1, 2, 3)).map((record) => {
        const last = record.length - 1;
        return record.map((byte, at) => (at === last ? byte ^ 1 : byte));
      }),
    ),
  no_inner_content_type: () => onConnection((_write, peer) => [peer.forge(0, Uint8Array.of(0, 0))]),
  empty_fragment: () => bytesToServer(plainRecord(22, [])),
  too_many_empty_records: () =>
    onConnection((_write, peer) => Array.from({ length: 33 }, () => peer.forge(23))),
  malformed_alert: () => bytesToServer(plainRecord(21, [2])),
  too_much_skipped_early_data: () => {
    const victim = server(oneGroup);
    const peer = client();
    peer.core.start();
    const hello = decodeHandshake('client_hello', peer.sink.take().subarray(5));
    const offering = { ...hello, extensions: [extension(42), ...hello.extensions] };
    victim.core.receive(plainRecord(22, encodeHandshake('client_hello', offering)));
    // After the HelloRetryRequest, which keeps the alert in the clear.
    for (let i = 0; i < 2; i += 1) victim.core.receive(plainRecord(23, new Uint8Array(16_000)));
    return { victim };
  },
  interleaved_handshake_message: () =>
    onConnection((write) => [
      ...write.sealHandshake(Uint8Array.of(24, 0, 0)),
      ...write.sealApplicationData(Uint8Array.of(1)),
    ]),
  excess_handshake_data: () =>
    onConnection((write) => write.sealHandshake(Uint8Array.of(24, 0, 0, 1, 0, 24, 0, 0, 1, 0))),
  handshake_message_too_large: () => bytesToServer(plainRecord(22, [1, 0x10, 0, 0])),
  wrong_legacy_cookie: oldCookie,
  late_version: lateVersion,
  malformed_ack: malformedAck,
  wrong_ack: wrongAck,
  too_many_forgeries: forgeries,
  sequence_number_overflow: () => {
    const held = holding();
    const ends = connected(
      {},
      { ...held.override, config: { keepSecrets: true, ciphers: [suite('TLS_AES_128_GCM_SHA256')] } },
    );
    const { facts } = ends.server.sink;
    const aead = engine.aead('aes_128_gcm');
    const hash = engine.hash('sha256');
    if (facts?.secrets?.kind !== 'traffic' || aead === undefined || hash === undefined)
      throw new Error('no keys of the client');
    const secret = new TrafficSecret(hash, new Secret(facts.secrets.clientTraffic0));
    held.channel.installReadKeys(new ExhaustedKeys(aead, secret));
    ends.client.core.send(Uint8Array.of(1));
    ends.server.core.receive(ends.client.sink.take());
    return { victim: ends.server, peer: ends.client };
  },
};

/** What the engine in JavaScript alone cannot be brought to: what needs a certificate with an RSA key, or CCM-8. */
const needMore = ['wrong_certificate_type', 'weak_dh', 'too_many_forgeries'];
const provoked = onEngine(Object.entries(provocations), ([name]) => (needMore.includes(name) ? 'rsa' : 'ec'));

describe.each(provoked)('%s', (name, provoke) => {
  test('fails with its alert, once, and for good', () => {
    const { victim, peer } = provoke();
    const { sink, core } = victim;
    expect(sink.failures).toHaveLength(1);
    const [failure] = sink.failures;
    expect(failure?.by).toBe('self');
    expect(failure?.reason).toBe(name);
    const row = Object.entries(reasons).find(([reason]) => reason === name)?.[1];
    expect(failure?.alert).toBe(row?.alert);
    if (peer === undefined) expect(clearAlert(sink.writes.at(-1))).toBe(row?.alert);
    else hearsAlert(victim, peer, row?.alert ?? '');

    const writes = sink.writes.length;
    const delivered = sink.delivered.length;
    core.receive(plainRecord(22, [1, 0, 0, 0]));
    core.receive(Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff, 0xff));
    core.receiveEnd();
    core.fail('internal_error');
    core.close();
    expect(core.send(Uint8Array.of(1))).toBe(false);
    expect(core.updateKeys('write')).toBe(false);
    expect(() => core.split()).toThrow(TypeError);
    expect(sink.failures).toHaveLength(1);
    expect(sink.closedCount).toBe(0);
    expect(sink.writes).toHaveLength(writes);
    expect(sink.delivered).toHaveLength(delivered);
  });
});

/** The alert that the last write ends with, unprotected. */
function clearAlert(write: readonly Uint8Array[] | undefined): string {
  const whole = Buffer.concat(write ?? []);
  // The record of a datagram has its number in front of the length.
  if (whole.at(-15) === 21 && whole.at(-14) === 0xfe) return alertByCode(whole.at(-1) ?? 255);
  const bytes = whole.subarray(-7);
  expect([...bytes.subarray(0, 6)]).toEqual([21, 3, 3, 0, 2, 2]);
  return alertByCode(bytes[6] ?? 255);
}

/** The peer was told by an alert under the right keys, and only once. */
function hearsAlert(victim: End, peer: End, alert: string): void {
  if (peer.sink.failures.length === 0) exchangeWithSplit(victim, peer);
  expect(peer.sink.failures.map(({ by, alert: heard }) => ({ by, heard }))).toEqual([
    { by: 'peer', heard: alert },
  ]);
}

function exchangeWithSplit(victim: End, peer: End): void {
  const waiting = victim.sink.take();
  if (waiting.length > 0) peer.core.receive(waiting);
}

test('a peer that is told of a failure fails as well and sends nothing', () => {
  const { peer } = provocations.bad_finished();
  const writes = peer?.sink.writes.length;
  peer?.core.close();
  expect(peer?.sink.writes.length).toBe(writes);
  expect(peer?.sink.failures[0]).toMatchObject({ by: 'peer', alert: 'decrypt_error', reason: undefined });
});

test('the failure of a second HelloRetryRequest is an unexpected message', () => {
  let hellos = 0;
  const bend: Bend = (type, message) => {
    if (type !== 'server_hello' || ++hellos !== 2) return [message];
    const body = decodeHandshake('server_hello', message);
    return [encodeHandshake('server_hello', { ...body, random: helloRetryRequestRandom })];
  };
  const { victim } = toClient(bend, {}, oneGroup);
  expect(victim.sink.failures).toMatchObject([{ reason: 'unexpected_message', state: 'start' }]);
});

test('an unknown alert is fatal too and keeps its unknown name', () => {
  const { client: ours, server: theirs } = connected();
  const write = theirs.core.split();
  for (const piece of write.sealAlert(1, 200)) ours.core.receive(piece);
  expect(ours.sink.failures).toMatchObject([{ by: 'peer', alert: 'unsupported/unknown_alert' }]);
});

test('a warning other than close_notify and user_canceled is fatal in TLS 1.3', () => {
  const { client: ours, server: theirs } = connected();
  const write = theirs.core.split();
  for (const piece of write.sealAlert(1, alertCode('no_renegotiation'))) ours.core.receive(piece);
  expect(ours.sink.failures).toMatchObject([{ by: 'peer', alert: 'no_renegotiation', state: 'connection' }]);
});

test('suites the tests count on are built', () => {
  expect(suites).toHaveLength(engine.aead('aes_128_ccm') === undefined ? 3 : 5);
});
