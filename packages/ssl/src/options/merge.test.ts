import { describe, expect, it } from 'vitest';
import { mergeOptions } from './parse.js';
import { planSetopts, readOptions, transportRefused } from './socket-options.js';

describe('layers of options', () => {
  it('later ones win and come last; what is undefined hides nothing', () => {
    const merged = mergeOptions({ depth: 1, active: true, certfile: 'a' }, { depth: 2, certfile: undefined });
    expect(Object.entries(merged)).toEqual([
      ['active', true],
      ['certfile', 'a'],
      ['depth', 2],
    ]);
  });

  it('certificates, keys and CAs of a later layer are not hidden by what goes before them in an earlier one', () => {
    const der = Uint8Array.of(0x30, 0);
    const listener = { cert: der, key: 'pem', cacerts: [der] };
    const host = { certfile: 'a', keyfile: 'b', cacertfile: 'c', cert: undefined };
    expect({ ...mergeOptions(listener, host) }).toEqual({ certfile: 'a', keyfile: 'b', cacertfile: 'c' });
    const pairs = { certsKeys: [{ certfile: 'x' }] };
    expect({ ...mergeOptions(pairs, { certfile: 'a' }) }).toEqual({ certfile: 'a' });
    // In one layer they stand together, and a key that is not named is inherited.
    expect({ ...mergeOptions({}, { ...pairs, certfile: 'a' }) }).toEqual({ ...pairs, certfile: 'a' });
    expect({ ...mergeOptions(listener, { certfile: 'a' }) }).toEqual({
      certfile: 'a',
      key: 'pem',
      cacerts: [der],
    });
  });

  it('names of Object.prototype are keys like others', () => {
    const odd = Object.fromEntries(['constructor', 'toString', 'valueOf'].map((key) => [key, 1]));
    expect({ ...mergeOptions({ depth: 1 }, odd) }).toEqual({ depth: 1, ...odd });
  });

  it('the layers themselves are left as they are', () => {
    const listen = Object.freeze({ depth: 1 });
    expect({ ...mergeOptions(listen, { depth: 2 }) }).toEqual({ depth: 2 });
    expect(listen).toEqual({ depth: 1 });
  });
});

describe('setopts and getopts', () => {
  it('emulated options before a wrong one stay set, the transport is not tried', () => {
    expect(planSetopts({ packet: 2, active: 'bad', mode: 'list', nodelay: true })).toEqual({
      socket: { packet: 2 },
      transport: undefined,
      error: { options: { socket_options: { active: 'bad' } } },
    });
  });

  it('everything else goes to the transport in one call', () => {
    const others = { nodelay: true, nosuch: 1 };
    expect(planSetopts({ active: 'once', ...others })).toEqual({
      socket: { active: 'once' },
      transport: others,
      error: undefined,
    });
    expect(transportRefused(others)).toEqual({ options: { socket_options: [others, 'einval'] } });
  });

  it('what is no object of options is told as it is', () => {
    for (const value of ['x', 7, undefined, null, ['active']])
      expect(planSetopts(value).error).toEqual({ options: { not_a_proplist: value } });
  });

  it('getopts answers in reverse of the asked order, or names the first unknown', () => {
    const socket = { mode: 'binary', packet: 0, packetSize: 0, header: 0, active: false } as const;
    const transport = (name: string): unknown => (name === 'nodelay' ? true : undefined);
    const found = readOptions(['active', 'nodelay', 'mode'], socket, transport);
    expect('ok' in found && Object.entries(found.ok)).toEqual([
      ['mode', 'binary'],
      ['nodelay', true],
      ['active', false],
    ]);
    expect(readOptions(['mode', 'nosuch', 'x'], socket, transport)).toEqual({
      error: { options: { socket_options: ['nosuch', 'einval'] } },
    });
    expect(readOptions([{ active: true }], socket, transport)).toEqual({
      error: { options: { socket_options: [{ active: true }, 'einval'] } },
    });
    expect(readOptions('active', socket, transport)).toEqual({
      error: { options: { socket_options: 'active' } },
    });
  });
});
