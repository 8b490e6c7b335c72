/**
 * What tests of TLS need, ours and our users': throw-away certificates, the application in a simulated world, and a
 * record of what owners are told.
 */

export {
  type NetworkTraits,
  SimulatedNetwork,
  SimulatedTransport,
} from '../processes/transport/simulated.js';
export {
  type CertificateAuthority,
  type CertificateOptions,
  type CrlOptions,
  createCa,
  type DistinguishedName,
  type GeneralName,
  type GeneratedKey,
  generateKey,
  type IssuedCertificate,
  type KeyKind,
  type KeyUsage,
  type RawExtension,
  type RevokedEntry,
  selfSigned,
} from './certificates.js';
export { type Simulation, type SimulationOptions, simulateSsl } from './simulation.js';
export { type OwnerMessageSent, type OwnerWatch, watchOwners } from './watch-owners.js';
