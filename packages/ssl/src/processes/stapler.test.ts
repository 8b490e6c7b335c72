import { silentLogger } from '@actor-tls/runtime';
import { createSimulatedClock } from '@actor-tls/runtime/testing';
import { describe, expect, it } from 'vitest';
