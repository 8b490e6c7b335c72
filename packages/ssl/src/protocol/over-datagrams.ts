/** The channel of every connection of DTLS: `channel` among the options of a core. */
import { FlightChannel } from './flight-channel.js';
import { speaksDtls13 } from './hello/version.js';
import { HelloChannel } from './hello-channel.js';
import type { ChannelMaker } from './settings.js';

export const overDatagrams: ChannelMaker = (settings, version, sink) =>
  speaksDtls13(settings.versions ?? [])
    ? new HelloChannel(settings, version, sink)
    : new FlightChannel(settings, version, sink);
