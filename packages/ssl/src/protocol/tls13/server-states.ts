/** The state data of TLS 1.3's server (RFC 8446 appendix A.2). Each state has exactly what exists then. */
import type { Group, PublicKey } from '../../values/crypto/engine.js';
import type { Authentication, PskAuthentication } from '../authentication.js';
import type { ServerContext } from '../contexts.js';
import type { StatusRequest } from '../extensions/status-request.js';
import type { Facts } from '../facts.js';
import type { MessageEvent } from '../handshake.js';
import type { CertificateChoice } from '../hello/choose.js';
import type { Transcript } from '../transcript.js';
import type { GroupChoice, Selection, SharedGroup } from './choose.js';
import type { CompressionChoice } from './compressed-certificate.js';
import type { EarlyDataAllowance } from './early-data.js';
import type { EarlyEnd } from './early-keys.js';
import type { Resumption } from './key-schedule.js';
import type { Agreement, ApplicationKeys, EarlyKeys, HandshakeKeys, Negotiated } from './negotiated.js';
import type { LaterAuthentication } from './post-handshake-authentication.js';
import type { PskClaim } from './psk-claim.js';

export interface Start {
  readonly state: 'start';
  /** Whether a hello may be a second one, whose first was answered and forgotten. */
  readonly cookies: 'taken' | 'ignored';
}
export interface RecvdCh {
  readonly state: 'recvdCh';
  readonly selection: Selection;
  readonly transcript: Transcript;
  readonly group: GroupChoice;
}
export interface StartRetried {
  readonly state: 'startRetried';
  /** `undefined`: the client has it, in the cookie. */
  readonly kept: Retried | undefined;
}
/** What is to be known of a retry when the second hello comes. */
export interface Retried {
  readonly selection: Selection;
  readonly transcript: Transcript;
  readonly group: Group;
}
/** The group is agreed, and the client's share of it is here. */
export interface WithShare {
  readonly selection: Selection;
  readonly transcript: Transcript;
  readonly share: SharedGroup;
  readonly hellos: Negotiated['hellos'];
}
export interface Selected extends WithShare {
  readonly state: 'selected';
}
export interface AwaitPsk extends WithShare {
  readonly state: 'awaitPsk';
  readonly claim: PskClaim;
}
/** What proves who we are: a certificate, or the key that both have. */
export type Proof =
  | {
      readonly kind: 'certificate';
      readonly choice: CertificateChoice;
      /** What the client wants to see stapled to it. */
      readonly status: StatusRequest | undefined;
    }
  | {
      readonly kind: 'psk';
      readonly authentication: PskAuthentication;
      /** Of the early data that is accepted. */
      readonly early: EarlyRead | undefined;
    };
/** The keys of early data, and how much may come under them. */
interface EarlyRead extends EarlyKeys {
  readonly allowance: EarlyDataAllowance;
  readonly end: EarlyEnd;
}
/** From the ServerHello on. */
export interface ServerAgreement extends Agreement {
  readonly clientAuthentication: 'requested' | 'none';
  /** How our certificate is compressed. */
  readonly compression: CompressionChoice | undefined;
  /** How the client may compress its own: codes that our request names. */
  readonly compressions: readonly number[];
  /** Whether the client may be asked for a certificate when the handshake is over (§4.2.6). */
  readonly laterAuthentication: boolean;
  /** Early data that may come as long as the client's Finished has not (RFC 9147 §5.6). */
  readonly untilFinished: EarlyDataAllowance | undefined;
  /** Whether the client has a use for tickets (§4.2.9). */
  readonly tickets: 'welcome' | 'useless';
}
export interface NegotiatedState {
  readonly state: 'negotiated';
  readonly agreement: ServerAgreement;
  readonly keys: HandshakeKeys;
  readonly proof: Proof;
}
export interface WithCertificate {
  readonly agreement: ServerAgreement;
  readonly keys: HandshakeKeys;
  readonly certificate: CertificateChoice;
}
export interface AwaitStaple extends WithCertificate {
  readonly state: 'awaitStaple';
}
/** From our Certificate on. */
export interface Certified extends WithCertificate {
  readonly state: 'certified';
}
export interface AwaitSignature extends WithCertificate {
  readonly state: 'awaitSignature';
}
/** From our Finished on. */
export interface Answered {
  readonly agreement: ServerAgreement;
  readonly keys: HandshakeKeys;
  readonly own: Authentication;
  readonly application: ApplicationKeys;
}
export interface WaitEoed extends Answered {
  readonly state: 'waitEoed';
  readonly peer: PskAuthentication;
  readonly early: EarlyRead;
}
export interface WaitFlight2 extends Answered {
  readonly state: 'waitFlight2';
}
export interface WaitCert extends Answered {
  readonly state: 'waitCert';
}
/** A CompressedCertificate came, and this is what is in it. */
export interface CertificateExpanded extends Answered {
  readonly state: 'certificateExpanded';
  readonly event: MessageEvent<'certificate'>;
}
export interface AwaitVerdict extends Answered {
  readonly state: 'awaitVerdict';
  readonly chain: readonly Uint8Array[];
}
export interface WaitCv extends Answered {
  readonly state: 'waitCv';
  readonly chain: readonly Uint8Array[];
  readonly key: PublicKey;
}
export interface WaitFinished extends Answered {
  readonly state: 'waitFinished';
  readonly peer: Authentication;
}
export interface Connected {
  readonly state: 'connected';
  readonly facts: Facts;
  /** Kept by servers that take tickets. */
  readonly resumption: Resumption | undefined;
  /** Of servers that may ask their client later who it is. */
  readonly later: LaterAuthentication<ServerContext> | undefined;
}
export type ServerData =
  | Start
  | RecvdCh
  | StartRetried
  | Selected
  | AwaitPsk
  | NegotiatedState
  | AwaitStaple
  | Certified
  | AwaitSignature
  | WaitEoed
  | WaitFlight2
  | WaitCert
  | CertificateExpanded
  | AwaitVerdict
  | WaitCv
  | WaitFinished
  | Connected;
