import { describe, expect, it } from 'vitest';
import { RestartIntensity } from './restart-intensity.js';

describe('restart intensity', () => {
  it('allows as many restarts as the intensity says, and not one more', () => {
    const restarts = new RestartIntensity(2, 5);
    expect([0, 1, 2].map((ms) => restarts.add(ms))).toEqual(['restart', 'restart', 'give_up']);
  });

  it('an intensity of 0 allows none', () => {
    expect(new RestartIntensity(0, 1).add(0)).toBe('give_up');
  });

  it('a restart exactly one period ago still counts, one a second older does not', () => {
    const restarts = new RestartIntensity(1, 5);
    restarts.add(1_000);
    expect(restarts.add(6_999)).toBe('give_up');
    const later = new RestartIntensity(1, 5);
    later.add(1_000);
    expect(later.add(7_000)).toBe('restart');
  });

  it('agrees with a list of all times, as OTP keeps it', () => {
    let seed = 1;
    const random = (): number => {
      seed = (seed * 48271) % 2147483647;
      return seed;
    };
    for (let round = 0; round < 200; round++) {
      const intensity = random() % 6;
      const period = 1 + (random() % 4);
      const restarts = new RestartIntensity(intensity, period);
      let times: number[] = [];
      let now = 0;
      for (let step = 0; step < 30; step++) {
        now += random() % 1500;
        const second = Math.floor(now / 1000);
        times = [...times.filter((time) => time >= second - period), second];
        expect(restarts.add(now)).toBe(times.length <= intensity ? 'restart' : 'give_up');
      }
    }
  });
});
