import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { addressClass, isNoMorePrivate } from './address-class.js';
import { type FetchLimits, httpFetch } from './http-fetch.js';

const servers: Server[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

function serve(handler: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
  const server = createServer(handler);
  servers.push(server);
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? `http://127.0.0.1:${address.port}` : '');
    });
  });
}

const limits: FetchLimits = { timeout: 120_000, maxBytes: 1000, maxRedirects: 2 };
const never = new AbortController().signal;
const get = (uri: string, changes: Partial<FetchLimits> = {}) =>
  httpFetch(uri, { ...limits, ...changes }, never);

describe('fetching over HTTP', () => {
  it('gives the body', async () => {
    const origin = await serve((_request, response) => response.end('a list'));
    const result = await get(`${origin}/x.crl`);
    expect('ok' in result && Buffer.from(result.ok).toString()).toBe('a list');
  });

  it('a host name is resolved and its address judged', async () => {
    const origin = await serve((_request, response) => response.end('a list'));
    const named = origin.replace('127.0.0.1', 'localhost');
    expect(await get(named)).toHaveProperty('ok');
    expect(
      await get(named, { allowAddress: (_address, hostname) => hostname !== 'localhost' }),
    ).toMatchObject({
      error: 'address_refused',
    });
  });

  it('a body that is too large ends the fetch, announced or not', async () => {
    const announced = await serve((_request, response) => response.end(Buffer.alloc(1001)));
    expect(await get(announced)).toMatchObject({ error: 'too_large' });
    const endless = await serve((_request, response) => {
      const more = (): void => {
        while (!response.destroyed && response.write(Buffer.alloc(600)));
      };
      response.on('drain', more);
      more();
    });
    expect(await get(endless)).toMatchObject({ error: 'too_large' });
  });

  it('a server that never answers, and one that never ends, are left in time', async () => {
    const silent = await serve(() => {});
    expect(await get(silent, { timeout: 30 })).toEqual({ error: 'timeout' });
    const halting = await serve((_request, response) => response.write('half a list'));
    expect(await get(halting, { timeout: 30 })).toEqual({ error: 'timeout' });
  });

  it('redirects are followed up to the limit, relative ones too', async () => {
    const origin = await serve((request, response) => {
      const left = Number(request.url?.slice(1));
      if (left === 0) response.end('a list');
      else response.writeHead(302, { location: `/${left - 1}` }).end();
    });
    expect(await get(`${origin}/2`)).toHaveProperty('ok');
    expect(await get(`${origin}/3`)).toMatchObject({ error: 'too_many_redirects' });
  });

  it('where a redirect leads is judged as the first address was', async () => {
    const inner = await serve((_request, response) => response.end('a list'));
    const target = inner.replace('127.0.0.1', 'localhost');
    const origin = await serve((_request, response) => response.writeHead(302, { location: target }).end());
    expect(await get(origin)).toHaveProperty('ok');
    const allowAddress = (_address: string, hostname: string): boolean => hostname !== 'localhost';
    expect(await get(origin, { allowAddress })).toMatchObject({ error: 'address_refused' });
    const metadata = await serve((_request, response) =>
      response.writeHead(302, { location: 'http://169.254.169.254/' }).end(),
    );
    expect(await get(metadata)).toMatchObject({ error: 'address_refused' });
  });

  it('a redirect to another scheme or nonsense is refused', async () => {
    const origin = await serve((request, response) => {
      response.writeHead(301, { location: request.url === '/a' ? 'file:///etc/passwd' : 'http://[' }).end();
    });
    expect(await get(`${origin}/a`)).toMatchObject({ error: 'bad_uri' });
    expect(await get(`${origin}/b`)).toMatchObject({ error: 'bad_uri' });
    expect(await get('ldap://x/')).toMatchObject({ error: 'bad_uri' });
  });

  it('a dead server and a bad status are failures', async () => {
    const origin = await serve((_request, response) => response.writeHead(404).end());
    expect(await get(origin)).toMatchObject({ error: 'bad_status' });
    servers.at(-1)?.close();
    servers.at(-1)?.closeAllConnections();
    await new Promise((resolve) => servers.pop()?.once('close', resolve));
    expect(await get(origin)).toMatchObject({ error: 'unreachable' });
  });

  it('an abort ends it, before and while it runs', async () => {
    const aborter = new AbortController();
    const origin = await serve(() => aborter.abort());
    expect(await httpFetch(origin, limits, aborter.signal)).toEqual({ error: 'aborted' });
    expect(await httpFetch(origin, limits, aborter.signal)).toEqual({ error: 'aborted' });
  });

  it('cloud metadata and the like are never asked', async () => {
    for (const host of ['169.254.169.254', '0.0.0.0', '[fe80::1]', '[::ffff:169.254.1.1]', '224.0.0.1']) {
      expect(await get(`http://${host}/`)).toMatchObject({ error: 'address_refused' });
    }
  });

  it('leaves no connection behind', async () => {
    const origin = await serve((_request, response) => response.end('a list'));
    await get(origin);
    const { port } = new URL(origin);
    const count = await new Promise<number>((resolve) => {
      servers[0]?.getConnections((_error, connections) => resolve(connections));
    });
    expect(count).toBe(0);
    connect(Number(port), '127.0.0.1').destroy();
  });
});

describe('address classes', () => {
  it.each([
    ['8.8.8.8', 'public'],
    ['2001:4860::1', 'public'],
    ['10.1.2.3', 'private'],
    ['172.31.0.1', 'private'],
    ['172.32.0.1', 'public'],
    ['192.168.1.1', 'private'],
    ['fd00::1', 'private'],
    ['127.0.0.1', 'loopback'],
    ['::1', 'loopback'],
    ['::ffff:127.0.0.1', 'loopback'],
    ['::ffff:10.0.0.1', 'private'],
    ['169.254.169.254', 'never'],
    ['::', 'never'],
    ['fe80::1', 'never'],
    ['255.255.255.255', 'never'],
  ] as const)('%s is %s', (address, expected) => {
    expect(addressClass(address)).toBe(expected);
  });

  it('a redirect may lead outwards but not inwards', () => {
    expect(isNoMorePrivate('public', 'loopback')).toBe(true);
    expect(isNoMorePrivate('private', 'private')).toBe(true);
    expect(isNoMorePrivate('private', 'public')).toBe(false);
    expect(isNoMorePrivate('loopback', 'private')).toBe(false);
  });
});
