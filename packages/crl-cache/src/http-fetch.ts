/**
 * A GET with limits, for distribution points whose URI a certificate chose: total time, bytes, redirects, and
 * where the addresses may lie. CRLs travel over plain http, so whoever sits between may redirect: a redirect never
 * leads from the outside to a more private place than the certificate named.
 */
import { lookup as resolve } from 'node:dns';
import { type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { systemClock } from '@actor-tls/runtime';
import { type AddressClass, addressClass, isNoMorePrivate } from './address-class.js';

export interface FetchLimits {
  /** ms for everything, redirects included */
  readonly timeout: number;
  /** of the body */
  readonly maxBytes: number;
  readonly maxRedirects: number;
  /** Further say on an address; link-local, multicast and unspecified ones are refused in any case. */
  readonly allowAddress?: (address: string, hostname: string) => boolean;
}

/** Why a fetch failed, for counters and logs. */
export type FetchError =
  | 'timeout'
  | 'too_large'
  | 'too_many_redirects'
  | 'address_refused'
  | 'unreachable'
  | 'bad_status'
  | 'bad_uri'
  | 'aborted';

export type FetchResult =
  | { readonly ok: Uint8Array }
  | { readonly error: FetchError; readonly detail?: string };

/** What the cache process needs of a fetcher; it must settle within `limits.timeout` and after an abort. */
export type Fetch = (uri: string, limits: FetchLimits, signal: AbortSignal) => Promise<FetchResult>;

/** The fetcher over node:http and node:https; each request on a connection of its own, as OTP's. */
export const httpFetch: Fetch = async (uri, limits, signal) => {
  const stop = new AbortController();
  const onAbort = (): void => stop.abort('aborted');
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  const timer = systemClock.setTimeout(() => stop.abort('timeout'), limits.timeout);
  try {
    return await follow(uri, limits, stop.signal);
  } catch (error) {
    if (stop.signal.aborted) return { error: stop.signal.reason === 'timeout' ? 'timeout' : 'aborted' };
    if (error instanceof FetchFailure) return { error: error.reason, detail: error.message };
    return { error: 'unreachable', detail: error instanceof Error ? error.message : String(error) };
  } finally {
    systemClock.clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
  }
};

class FetchFailure extends Error {
  readonly reason: FetchError;

  constructor(reason: FetchError, detail: string) {
    super(detail);
    this.reason = reason;
  }
}

async function follow(uri: string, limits: FetchLimits, signal: AbortSignal): Promise<FetchResult> {
  let target = uri;
  let leastPrivate: AddressClass | undefined;
  for (let hops = 0; ; hops += 1) {
    const { response, reached } = await get(target, limits, leastPrivate, signal);
    leastPrivate ??= reached;
    const status = response.statusCode ?? 0;
    const location = response.headers.location;
    if (status >= 300 && status < 400 && location !== undefined) {
      response.destroy();
      if (hops >= limits.maxRedirects) throw new FetchFailure('too_many_redirects', `${hops} redirects`);
      if (!URL.canParse(location, target)) throw new FetchFailure('bad_uri', location);
      target = new URL(location, target).href;
      continue;
    }
    if (status !== 200) {
      response.destroy();
      throw new FetchFailure('bad_status', `status ${status}`);
    }
    return { ok: await body(response, limits.maxBytes) };
  }
}

interface Arrival {
  readonly response: IncomingMessage;
  /** Class of the address that was connected to. */
  readonly reached: AddressClass;
}

function get(
  uri: string,
  limits: FetchLimits,
  leastPrivate: AddressClass | undefined,
  signal: AbortSignal,
): Promise<Arrival> {
  return new Promise((fulfil, reject) => {
    if (!URL.canParse(uri)) throw new FetchFailure('bad_uri', uri);
    const url = new URL(uri);
    if (url.protocol !== 'http:' && url.protocol !== 'https:') throw new FetchFailure('bad_uri', uri);
    const hostname = url.hostname.replace(/^\[|\]$/g, '');
    let reached: AddressClass = 'public';
    const judge = (address: string): void => {
      reached = addressClass(address);
      const refused =
        reached === 'never' ||
        (leastPrivate !== undefined && !isNoMorePrivate(reached, leastPrivate)) ||
        limits.allowAddress?.(address, hostname) === false;
      if (refused) throw new FetchFailure('address_refused', `${hostname} is ${address}`);
    };
    // A literal address never passes through `lookup`.
    if (isIP(hostname) !== 0) judge(hostname);
    const request = url.protocol === 'http:' ? requestHttp : requestHttps;
    const sent = request(url, {
      signal,
      agent: false,
      lookup: judgedLookup(judge),
      headers: {
        connection: 'close',
        accept: 'application/pkix-crl, */*;q=0.1',
        'accept-encoding': 'identity',
      },
      maxHeaderSize: 16_384,
    });
    sent.on('response', (response) => fulfil({ response, reached }));
    sent.on('error', reject);
    sent.end();
  });
}

/**
 * The judgement falls on the very address that is connected to; resolving first and connecting later would let a
 * name change its address in between.
 */
function judgedLookup(judge: (address: string) => void): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname, { ...options, all: false }, (error, address, family) => {
      if (error !== null) {
        callback(error, '', 0);
        return;
      }
      try {
        judge(address);
      } catch (refusal) {
        callback(refusal instanceof Error ? refusal : new Error(String(refusal)), '', 0);
        return;
      }
      if (options.all === true) callback(null, [{ address, family }]);
      else callback(null, address, family);
    });
  };
}

async function body(response: IncomingMessage, maxBytes: number): Promise<Uint8Array> {
  const announced = Number(response.headers['content-length'] ?? 0);
  if (announced > maxBytes) {
    response.destroy();
    throw new FetchFailure('too_large', `${announced} bytes announced`);
  }
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response) {
    if (!(chunk instanceof Uint8Array)) continue;
    length += chunk.length;
    if (length > maxBytes) {
      response.destroy();
      throw new FetchFailure('too_large', `more than ${maxBytes} bytes`);
    }
    chunks.push(chunk);
  }
  return new Uint8Array(Buffer.concat(chunks, length));
}
