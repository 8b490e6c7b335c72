/**
 * The door for strangers who speak DTLS 1.3 (RFC 9147 §5.1): who sends a ClientHello is sent a HelloRetryRequest with a cookie,
 * and is let in when it brings the cookie back. In it is what the server would have to keep, under a MAC with the address
 * of who asks. Nothing is answered that is longer than what was asked. A retry refuses early data (RFC 8446 §4.2.10): who brings
 * some may be let in without a cookie, as far as whoever keeps this door can bear it.
 */

import { dtls13Engine } from '../values/crypto/dtls13-engine.js';
import type { CryptoEngine } from '../values/crypto/engine.js';
import { alertCode, type KnownAlert } from '../values/registry/alerts.js';
import { isDtls13Version } from '../values/registry/versions.js';
import { concat } from '../values/wire/join.js';
import { DecodeError } from '../values/wire/reader.js';
import { dtls13Messages } from '../values/wire/tls13-messages.js';
import { CookieSecrets } from './cookie-secrets.js';
import type { DoorAnswer, StrangersHello } from './dtls-door.js';
import type { KeyShareEntry } from './extensions/key-share.js';
import { type ClientHelloExtensions, clientHelloColumn, readExtensions } from './extensions/table.js';
import { chooseSuite } from './hello/choose.js';
import { tls13Suite } from './hello/suite.js';
import { chooseVersion, speaksDtls13 } from './hello/version.js';
import { AlertError } from './reasons.js';
import { ALERT, HANDSHAKE } from './record/content-type.js';
import { numberedForm, streamForm } from './record/datagram-form.js';
import { DTLS_HEADER_LENGTH, putDtlsHeader } from './record/dtls-layout.js';
import type { CookieSealer, ServerSettings } from './settings.js';
import { checkClientHello } from './tls13/check-client-hello.js';
import { chooseGroup, type GroupChoice } from './tls13/choose.js';
import { dialect13 } from './tls13/dialect.js';
import { retryCookie } from './tls13/retry-cookie.js';
import { helloRetryRequest } from './tls13/server-hello.js';
import { Transcript } from './transcript.js';

/** bytes; a secret is good for half a minute. */
const macLength = 14;
const legacyVersion = 0xfefd;
const fatal = 2;

const drop: Refusal = { kind: 'drop' };

/** Whether a hello with early data may be let in without a cookie. */
export type EarlyHellos = 'asked' | 'trusted';

type Refusal = Exclude<DoorAnswer, { readonly kind: 'trust' }>;

export class Dtls13Door {
  private readonly engine: CryptoEngine;
  private readonly secrets: CookieSecrets;
  private readonly config: ServerSettings;
  private readonly early: EarlyHellos;

  /** `now`: ms of a clock that only goes forwards. */
  constructor(engine: CryptoEngine, now: () => number, config: ServerSettings, early: EarlyHellos = 'asked') {
    this.early = early;
    this.engine = dtls13Engine(engine);
    this.secrets = new CookieSecrets(engine, now, macLength);
    this.config = config;
  }

  /** `undefined`: an older version is what it comes to. `address`: of the sender, port included, in one spelling. */
  answer(hello: StrangersHello, address: string): DoorAnswer | undefined {
    try {
      if (!isDtls13Version(chooseVersion(hello.body, this.config.versions))) return undefined;
      this.secrets.renew();
      return this.judge(hello, address);
    } catch (error) {
      if (error instanceof AlertError) return asked(hello, alertRecord(hello, error.alert));
      if (error instanceof DecodeError) return drop;
      throw error;
    }
  }

  /**
   * The cookies of one address and one hello, by its random: whoever reads one on the way cannot begin anew with it in the
   * place of who has brought it. They are known for a while.
   */
  cookiesOf(address: string, { body }: Pick<StrangersHello, 'body'>): CookieSealer {
    const asked = concat([new TextEncoder().encode(`${address}\0`), body.random]);
    const { secrets } = this;
    return {
      seal: (content) => concat([secrets.mac(concat([asked, content])), content]),
      open: (cookie) => {
        const content = cookie.subarray(macLength);
        const isKnown = secrets.knows(cookie.subarray(0, macLength), concat([asked, content]));
        return isKnown ? content : undefined;
      },
    };
  }

  private judge(hello: StrangersHello, address: string): DoorAnswer {
    const { config, engine } = this;
    const { body } = hello;
    const extensions = readExtensions(clientHelloColumn, body.extensions);
    checkClientHello(body, extensions);
    const cookies = this.cookiesOf(address, hello);
    const { cookie: brought } = extensions;
    if (brought !== undefined) {
      const roundTrip = this.secrets.ageOf(brought);
      return cookies.open(brought) === undefined ? drop : { kind: 'admit', roundTrip };
    }
    const preference = config.honorCipherOrder ? 'server' : 'client';
    const suite = chooseSuite(body.cipherSuites, config.ciphers, preference, (row) =>
      tls13Suite(row, engine),
    );
    const group = this.chooseGroup(extensions.supportedGroups, extensions.keyShare);
    const transcript = new Transcript(suite.hash);
    transcript.add(streamForm(hello.message));
    const cookie = retryCookie({ hello: body, extensions, suite }, transcript, group, cookies);
    const wanted = group.kind === 'retry' ? group.group : undefined;
    const retry = helloRetryRequest(body, suite, wanted, cookie, dialect13(config));
    const message = dtls13Messages.encode('server_hello', retry);
    const answer = asked(hello, record(hello, HANDSHAKE, numberedForm(message, hello.number)));
    return this.trusts(extensions, group) ? { kind: 'trust', otherwise: answer } : answer;
  }

  /** A retry refuses early data (RFC 8446 §4.2.10), and so there is none where one is needed in any case. */
  private trusts({ earlyData, preSharedKey }: ClientHelloExtensions, { kind }: GroupChoice): boolean {
    return this.early === 'trusted' && earlyData === true && preSharedKey !== undefined && kind === 'share';
  }

  /** A hello with the share of a hybrid group does not fit into one datagram, and so none is asked for. */
  private chooseGroup(offered: readonly number[], shares: readonly KeyShareEntry[]): GroupChoice {
    const { engine } = this;
    const { supportedGroups } = this.config;
    const chosen = chooseGroup(offered, shares, supportedGroups, engine);
    if (chosen.kind === 'share' || chosen.group.kind === 'dh') return chosen;
    const small = supportedGroups.filter((name) => engine.group(name)?.kind === 'dh');
    return chooseGroup(offered, shares, small, engine);
  }
}

/** Of a listener whose versions have it. */
export function dtls13Door(
  engine: CryptoEngine,
  now: () => number,
  config: ServerSettings,
  early: EarlyHellos,
): Dtls13Door | undefined {
  return speaksDtls13(config.versions) ? new Dtls13Door(engine, now, config, early) : undefined;
}

/** §5.1: nothing is amplified. */
function asked({ message }: StrangersHello, reply: Uint8Array): Refusal {
  return reply.length > DTLS_HEADER_LENGTH + message.length ? drop : { kind: 'ask', reply };
}

function alertRecord(hello: StrangersHello, alert: KnownAlert): Uint8Array {
  return record(hello, ALERT, Uint8Array.of(fatal, alertCode(alert)));
}

/** It bears the number of the hello, so that none of ours comes twice. */
function record({ sequence }: StrangersHello, type: number, content: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(DTLS_HEADER_LENGTH + content.length);
  putDtlsHeader(bytes, type, legacyVersion, 0, sequence, content.length);
  bytes.set(content, DTLS_HEADER_LENGTH);
  return bytes;
}
