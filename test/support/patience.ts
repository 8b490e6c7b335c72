/**
 * How long a test waits for what must come. No machine is so loaded that it takes this long: whoever gets there hangs.
 * Times that are themselves under test (a peer that never answers) are short, and nothing else may race them.
 */
export const patience = 120_000;
