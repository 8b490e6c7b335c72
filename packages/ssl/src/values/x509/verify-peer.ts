/**
 * The judgement on a peer's certificates, as OTP's ssl makes it (contract §7): build paths, validate, ask the
 * user's functions, check host name, signature algorithms and revocation.
 *
 * Paths are searched with OTP's default answers, so that a `verify_fun` is asked about one path only: the first
 * good one, or else the one that failed first. All is synchronous unless a user's function or the revocation check
 * answers a promise.
 */

import { addressText, parseAddress } from '../address.js';
import { isAllowedSignature } from './allowed-signatures.js';
import { type Certificate, CertificateError, sameBytes } from './certificate.js';
import { DerError } from './der.js';
import { type ReferenceId, verifyHostname } from './hostname.js';
import { type KeyUse, usageRules } from './key-use.js';
import { Oid } from './oids.js';
import { certificateOf } from './parse-cache.js';
import {
  type BadCertReason,
  defaultAnswer,
  type PathAnswer,
  type PathEvent,
  type PathOptions,
  type PathResult,
  type PathSteps,
  validatePath,
} from './path.js';
import { type CandidatePath, candidatePaths } from './path-builder.js';
import { failure, type PeerVerdict, rejection } from './peer-verdict.js';
import type { HostReference, PartialChain, PeerVerification, RevocationAnswer } from './peer-verification.js';
import { anyPolicyInputs } from './policy-graph.js';
import { cachedVerdict, rememberVerdict } from './verdict-cache.js';
import type { VerifyFunAnswer, VerifyFunEvent } from './verify-fun.js';
import { defaultLimits, Work, WorkLimitError } from './work.js';

/** In TLS 1.3 every key does, and clients' keys before it. */
const signs: KeyUse = 'signature';

/** Judges; throws nothing: what goes wrong is a rejection. */
export function verifyPeer(input: PeerVerification): PeerVerdict | Promise<PeerVerdict> {
  const cacheable =
    input.verifyFun === undefined &&
    input.partialChain === undefined &&
    input.customizeHostnameCheck === undefined &&
    input.policies === undefined &&
    input.checkRevocation === undefined;
  const known = cacheable ? cachedVerdict(input) : undefined;
  if (known !== undefined) return known;
  const verdict = guarded(() => judge(input));
  if (cacheable && !(verdict instanceof Promise) && 'ok' in verdict) rememberVerdict(input, verdict);
  return verdict;
}

function guarded(act: () => PeerVerdict | Promise<PeerVerdict>): PeerVerdict | Promise<PeerVerdict> {
  try {
    const verdict = act();
    return verdict instanceof Promise ? verdict.catch(verdictOfError) : verdict;
  } catch (error) {
    return verdictOfError(error);
  }
}

function verdictOfError(error: unknown): PeerVerdict {
  if (error instanceof CertificateError || error instanceof DerError) {
    return failure('certificate_unknown', { failed_to_decode_certificate: error.message }, error.message);
  }
  if (error instanceof WorkLimitError) {
    const detail = { bad_cert: { work_limit_exceeded: error.kind } };
    return failure(
      'handshake_failure',
      detail,
      `the chain needs more work to check than a handshake may cost (${error.kind})`,
    );
  }
  const text = error instanceof Error ? error.message : String(error);
  return failure('internal_error', { unexpected_error: text }, `a check failed: ${text}`);
}

function judge(input: PeerVerification): PeerVerdict | Promise<PeerVerdict> {
  const work = new Work(input.limits ?? defaultLimits);
  work.spend('candidates', input.chain.length);
  const [peerDer, ...others] = input.chain;
  if (peerDer === undefined) throw new CertificateError('no certificate');
  const sent: [Certificate, ...Certificate[]] = [certificateOf(peerDer), ...others.map(certificateOf)];
  const options: PathOptions = {
    engine: input.engine,
    now: input.now,
    maxPathLength: input.depth,
    policies: input.policies ?? anyPolicyInputs,
    purpose: input.role === 'client' ? Oid.serverAuth : Oid.clientAuth,
    peerUsage: usageRules[input.keyUse ?? signs].bit,
    ...(input.minKeySize === undefined ? {} : { minKeySize: input.minKeySize }),
    anchorExtensions: 'honour',
    // Also without a host: whoever checks the name afterwards (`pkixVerifyHostname`) may take a common name for one.
    commonNames: input.role === 'client' ? 'constrain' : 'ignore',
    work,
  };
  if (input.verify === 'verify_none' && input.verifyFun === undefined) return acceptAny(sent, options);
  const { path, result } = findPath(sent, input, options);
  const judgement = new Judgement(input, path, options);
  // Nobody else has a say: what the search found is final.
  if (input.verifyFun === undefined && (!('ok' in result) || input.checkRevocation === undefined)) {
    return judgement.conclude(result);
  }
  return judgement.run();
}

/** OTP's verify_none lets everything pass; what is left is to read the key. */
function acceptAny(sent: readonly [Certificate, ...Certificate[]], options: PathOptions): PeerVerdict {
  const [peer] = sent;
  const result = drain(validatePath(peer, [], options), () => 'valid');
  return 'ok' in result
    ? { ok: result.ok, path: sent }
    : rejection(result.bad_cert, peer, 0, options.now, { use: signs });
}

interface FoundPath {
  readonly path: CandidatePath;
  readonly result: PathResult;
}

/** The first path that passes with default answers, else the first that was tried. */
function findPath(
  sent: readonly [Certificate, ...Certificate[]],
  input: PeerVerification,
  options: PathOptions,
): FoundPath {
  const { trust, engine, partialChain } = input;
  const work = options.work ?? new Work();
  let first: FoundPath | undefined;
  try {
    const partial = partialChain !== undefined;
    for (const candidate of candidatePaths({ sent, trust, engine, work, partial })) {
      const path = partialChain === undefined ? candidate : shorten(candidate, partialChain);
      const result = tryPath(path, input, options);
      if ('ok' in result) return { path, result };
      first ??= { path, result };
    }
  } catch (error) {
    // Work ran out after a path had failed for a reason of its own: that reason says more. A verify_fun may accept
    // that reason, but there is no work left to judge the rest of the path with.
    if (!(error instanceof WorkLimitError) || first === undefined || input.verifyFun !== undefined)
      throw error;
  }
  if (first === undefined) throw new CertificateError('no path');
  return first;
}

/** Asks `partial_chain`; what it throws or answers amiss changes nothing, as in OTP. */
function shorten(candidate: CandidatePath, partialChain: PartialChain): CandidatePath {
  const { anchor, chain } = candidate;
  const whole = typeof anchor === 'string' ? chain : [anchor, ...chain];
  try {
    const answer = partialChain(whole.map((certificate) => certificate.der));
    if (answer === 'unknown_ca') return candidate;
    const at = whole.findIndex((certificate) => sameBytes(certificate.der, answer.trusted_ca));
    const trusted = whole[at];
    return trusted === undefined ? candidate : { anchor: trusted, chain: whole.slice(at + 1) };
  } catch {
    return candidate;
  }
}

function tryPath(path: CandidatePath, input: PeerVerification, options: PathOptions): PathResult {
  if (typeof path.anchor === 'string') {
    const [top] = path.chain;
    if (top === undefined) throw new CertificateError('no path');
    return { bad_cert: path.anchor, certificate: top, index: 0 };
  }
  return drain(validatePath(path.anchor, path.chain, options), (event) => {
    const allowed =
      event.type !== 'valid' && event.type !== 'valid_peer' ? true : isAllowed(event.certificate, input);
    return allowed ? defaultAnswer(event) : { fail: 'invalid_signature' };
  });
}

function drain(steps: PathSteps, answer: (event: PathEvent) => PathAnswer): PathResult {
  let step = steps.next();
  while (!step.done) step = steps.next(answer(step.value));
  return step.value;
}

/** Whether the algorithm that signed a certificate is among those we said we accept (RFC 8446 §4.2.3). */
function isAllowed(certificate: Certificate, { signatureAlgs }: PeerVerification): boolean {
  return isAllowedSignature(certificate.signatureAlgorithm, signatureAlgs);
}

/** One path in front of the user's function, the host name check and the revocation check. */
class Judgement {
  readonly #input: PeerVerification;
  readonly #path: CandidatePath;
  readonly #options: PathOptions;
  #state: unknown;

  constructor(input: PeerVerification, path: CandidatePath, options: PathOptions) {
    this.#input = input;
    this.#path = path;
    this.#options = options;
    this.#state = input.verifyFun?.state;
  }

  /** The verdict from a validation that asked nobody. */
  conclude(result: PathResult): PeerVerdict {
    const { host } = this.#input;
    if (!('ok' in result)) return this.#rejected(result.bad_cert, result.certificate);
    const peer = this.#peer();
    if (host !== undefined && this.#input.role === 'client' && !this.#bearsName(peer)) {
      return this.#rejected('hostname_check_failed', peer);
    }
    return { ok: result.ok, path: this.#certificates() };
  }

  /** The whole validation again, every event shown. */
  run(): PeerVerdict | Promise<PeerVerdict> {
    const { anchor, chain } = this.#path;
    if (typeof anchor !== 'string') return this.#walk(validatePath(anchor, chain, this.#options));
    const [top, ...below] = chain;
    if (top === undefined) throw new CertificateError('no path');
    const answer = this.#ask(top, { bad_cert: anchor });
    const goOn = (given: PathAnswer): PeerVerdict | Promise<PeerVerdict> =>
      typeof given === 'object'
        ? this.#rejected(given.fail, top)
        : this.#walk(validatePath(top, below, { ...this.#options, anchorExtensions: 'ignore' }));
    return answer instanceof Promise ? answer.then(goOn) : goOn(answer);
  }

  /** Feeds answers to the validation until it ends or one of them is a promise. */
  #walk(steps: PathSteps, given?: PathAnswer): PeerVerdict | Promise<PeerVerdict> {
    let step = given === undefined ? steps.next() : steps.next(given);
    while (!step.done) {
      const answer = this.#answer(step.value);
      if (answer instanceof Promise) return answer.then((later) => this.#walk(steps, later));
      step = steps.next(answer);
    }
    const result = step.value;
    if (!('ok' in result)) return this.#rejected(result.bad_cert, result.certificate);
    const accepted: PeerVerdict = { ok: result.ok, path: this.#certificates() };
    const { anchor, chain } = this.#path;
    if (chain.length > (typeof anchor === 'string' ? 1 : 0)) return accepted;
    // The peer's own certificate is the anchor, which has no verdict event: it is asked about all the same.
    const peer = this.#peer();
    const answer = this.#answer({ type: 'valid_peer', certificate: peer, index: -1 });
    const goOn = (last: PathAnswer): PeerVerdict =>
      typeof last === 'object' ? this.#rejected(last.fail, peer) : accepted;
    return answer instanceof Promise ? answer.then(goOn) : goOn(answer);
  }

  #answer(event: PathEvent): PathAnswer | Promise<PathAnswer> {
    const { certificate } = event;
    switch (event.type) {
      case 'bad_cert':
        return this.#ask(certificate, { bad_cert: event.reason });
      case 'extension':
        return this.#ask(certificate, { extension: event.extension });
      case 'valid':
      case 'valid_peer':
        return this.#answerVerdict(event.type, certificate);
    }
  }

  /** Contract §7.3: a wrong host name or algorithm comes in place of the verdict event, revocation after it. */
  #answerVerdict(type: 'valid' | 'valid_peer', certificate: Certificate): PathAnswer | Promise<PathAnswer> {
    const problem = this.#verdictProblem(type, certificate);
    const answer = this.#ask(certificate, problem === undefined ? type : { bad_cert: problem });
    const goOn = (given: PathAnswer): PathAnswer | Promise<PathAnswer> =>
      typeof given === 'object' ? given : this.#checkRevocation(certificate);
    return answer instanceof Promise ? answer.then(goOn) : goOn(answer);
  }

  #verdictProblem(type: 'valid' | 'valid_peer', certificate: Certificate): string | undefined {
    const { role, host } = this.#input;
    if (type === 'valid_peer' && role === 'client' && host !== undefined && !this.#bearsName(certificate)) {
      return 'hostname_check_failed';
    }
    // RFC 8446 §4.2.3: an anchor's own signature is not looked at, and so may be of any kind.
    const isAnchor = certificate === this.#path.anchor;
    return isAnchor || isAllowed(certificate, this.#input) ? undefined : 'invalid_signature';
  }

  #checkRevocation(certificate: Certificate): PathAnswer | Promise<PathAnswer> {
    const { checkRevocation } = this.#input;
    if (checkRevocation === undefined) return 'valid';
    const { anchor, chain } = this.#path;
    const answer = checkRevocation(certificate, typeof anchor === 'string' ? chain : [anchor, ...chain]);
    const goOn = (given: RevocationAnswer): PathAnswer | Promise<PathAnswer> =>
      given === 'valid' ? 'valid' : this.#ask(certificate, given);
    return answer instanceof Promise ? answer.then(goOn) : goOn(answer);
  }

  /** The user's function, or OTP's default for the kind of event. */
  #ask(certificate: Certificate, event: VerifyFunEvent): PathAnswer | Promise<PathAnswer> {
    const { verifyFun } = this.#input;
    if (verifyFun === undefined) {
      if (typeof event === 'string') return 'valid';
      return 'bad_cert' in event ? { fail: event.bad_cert } : 'unknown';
    }
    const answer = verifyFun.fun(certificate, event, this.#state, certificate.der);
    return answer instanceof Promise ? answer.then((later) => this.#take(later)) : this.#take(answer);
  }

  #take(answer: VerifyFunAnswer<unknown>): PathAnswer {
    if (typeof answer !== 'object' || answer === null) throw new TypeError('verify_fun gave no answer');
    if ('fail' in answer) {
      const { fail } = answer;
      // R that is not {bad_cert, _} is wrapped; the term inside is what counts here.
      const wrapped = typeof fail === 'object' && fail !== null && 'bad_cert' in fail;
      return { fail: wrapped ? fail.bad_cert : fail };
    }
    if ('valid' in answer) this.#state = answer.valid;
    else if ('valid_peer' in answer) this.#state = answer.valid_peer;
    else if ('unknown' in answer) {
      this.#state = answer.unknown;
      return 'unknown';
    } else throw new TypeError('verify_fun gave an unknown answer');
    return 'valid';
  }

  #bearsName(peer: Certificate): boolean {
    const { host, customizeHostnameCheck } = this.#input;
    if (host === undefined) return true;
    return referencesOf(host).some((reference) => verifyHostname(peer, [reference], customizeHostnameCheck));
  }

  #peer(): Certificate {
    const { anchor, chain } = this.#path;
    const peer = chain[chain.length - 1] ?? (typeof anchor === 'string' ? undefined : anchor);
    if (peer === undefined) throw new CertificateError('no path');
    return peer;
  }

  /** Peer first. */
  #certificates(): readonly Certificate[] {
    const { anchor, chain } = this.#path;
    const below = [...chain].reverse();
    return typeof anchor === 'string' ? below : [...below, anchor];
  }

  #rejected(reason: BadCertReason, certificate: Certificate): PeerVerdict {
    const above = Math.max(0, this.#certificates().indexOf(certificate));
    const { host } = this.#input;
    const wanted =
      host === undefined ? undefined : host.type === 'address' ? addressText(host.address) : host.name;
    const use = this.#input.keyUse ?? signs;
    return rejection(reason, certificate, above, this.#input.now, { host: wanted, use });
  }
}

/** In the order tried. An SNI that is an address is looked for as one (contract §15). */
function referencesOf(host: HostReference): ReferenceId[] {
  switch (host.type) {
    case 'address':
      return [{ ip: host.address }];
    case 'host':
      return [{ dns_id: host.name }, { ip: host.name }];
    case 'sni':
      return parseAddress(host.name) === undefined
        ? [{ dns_id: host.name }]
        : [{ dns_id: host.name }, { ip: host.name }];
  }
}
