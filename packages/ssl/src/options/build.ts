/**
 * From decided settings to the config of a side. Each field is written out for both sides: spreading the common ones
 * and adding the others afterwards took a third of the time of parsing, which every `connect` pays.
 */
import type { ClientConfig, IdentityMaterial, ServerConfig } from './config.js';
import type { Settings } from './row.js';
import type { ParsedSocket } from './socket-options.js';

export function clientConfig(settings: Settings, { socket, transport }: ParsedSocket): ClientConfig {
  const { cacerts, cacertfile, verify } = settings;
  // A client that names no CA trusts the system's (contract §2.5).
  const unnamed = verify === 'verify_peer' && cacerts === undefined && cacertfile === undefined;
  return Object.freeze({
    role: 'client',
    protocol: settings.protocol,
    versions: settings.versions,
    identity: identityOf(settings),
    certsKeys: settings.certsKeys,
    cacertfile: settings.cacertfile,
    verify: settings.verify,
    verifyFun: settings.verifyFun,
    partialChain: settings.partialChain,
    depth: settings.depth,
    minKeySize: settings.minKeySize,
    crlCheck: settings.crlCheck,
    crlCache: settings.crlCache,
    ciphers: settings.ciphers,
    supportedGroups: settings.supportedGroups,
    eccs: settings.eccs,
    signatureAlgs: settings.signatureAlgs,
    signatureAlgsCert: settings.signatureAlgsCert,
    maxHandshakeSize: settings.maxHandshakeSize,
    keyUpdateAt: settings.keyUpdateAt,
    middleboxCompMode: settings.middleboxCompMode,
    handshakeDeadline: settings.handshakeDeadline,
    logLevel: settings.logLevel,
    logAlert: settings.logAlert,
    keepSecrets: settings.keepSecrets,
    hibernateAfter: settings.hibernateAfter,
    socket,
    transport,
    cacerts: unnamed ? 'system' : cacerts,
    serverNameIndication: settings.serverNameIndication,
    customizeHostnameCheck: settings.customizeHostnameCheck,
    alpnAdvertisedProtocols: settings.alpnAdvertisedProtocols,
    stapling: settings.stapling,
  });
}

export function serverConfig(settings: Settings, { socket, transport }: ParsedSocket): ServerConfig {
  return Object.freeze({
    role: 'server',
    protocol: settings.protocol,
    versions: settings.versions,
    identity: identityOf(settings),
    certsKeys: settings.certsKeys,
    cacertfile: settings.cacertfile,
    verify: settings.verify,
    verifyFun: settings.verifyFun,
    partialChain: settings.partialChain,
    depth: settings.depth,
    minKeySize: settings.minKeySize,
    crlCheck: settings.crlCheck,
    crlCache: settings.crlCache,
    ciphers: settings.ciphers,
    supportedGroups: settings.supportedGroups,
    eccs: settings.eccs,
    signatureAlgs: settings.signatureAlgs,
    signatureAlgsCert: settings.signatureAlgsCert,
    maxHandshakeSize: settings.maxHandshakeSize,
    keyUpdateAt: settings.keyUpdateAt,
    middleboxCompMode: settings.middleboxCompMode,
    handshakeDeadline: settings.handshakeDeadline,
    logLevel: settings.logLevel,
    logAlert: settings.logAlert,
    keepSecrets: settings.keepSecrets,
    hibernateAfter: settings.hibernateAfter,
    socket,
    transport,
    cacerts: settings.cacerts,
    failIfNoPeerCert: settings.failIfNoPeerCert,
    alpnPreferredProtocols: settings.alpnPreferredProtocols,
    honorCipherOrder: settings.honorCipherOrder,
    honorEccOrder: settings.honorEccOrder,
    maxHandshakes: settings.maxHandshakes,
    maxHandshakesPerAddress: settings.maxHandshakesPerAddress,
    maxHandshakeBytes: settings.maxHandshakeBytes,
  });
}

function identityOf(settings: Settings): IdentityMaterial {
  const { cert, certfile, key, keyfile, ocspResponse, password } = settings;
  return Object.freeze({ cert, certfile, key, keyfile, password, ocspResponse });
}
