import { Type } from 'typebox';
import { seeded, systemClock } from '../../src/core/clock.ts';
import type { Sink } from '../../src/core/connector.ts';
import { classified, defineDocument } from '../../src/core/document.ts';
import { defineEstate } from '../../src/core/estate.ts';
import { rejected } from '../../src/core/fault.ts';
import { defineFlow } from '../../src/core/flow.ts';
import { Hub } from '../../src/engine/hub.ts';
import { jsonLog } from '../../src/watch/log.ts';
import { connectionOf, pushSource, type TestLedger } from './hub.ts';

const Guest = defineDocument({
  name: 'guest',
  version: '1.0',
  schema: Type.Object({ id: Type.String(classified('personal')), name: Type.String(classified('personal')) }),
  key: (guest) => guest.id,
  keyClassification: 'personal',
  references: (guest) => [['email', guest.id]],
});
const Stay = defineDocument({
  name: 'stay',
  version: '1.0',
  schema: Type.Object({
    id: Type.String(),
    guest: Type.String(classified('personal')),
    remark: Type.String(),
    price: Type.Integer(),
  }),
  key: (stay) => stay.id,
  needs: (stay) => [['guest', stay.guest]],
  references: (stay) => [
    ['stay', stay.id],
    ['guest', stay.guest],
  ],
  measure: ({ price }) => ({ lines: 1, currency: 'EUR', minor: BigInt(price), absolute: BigInt(price) }),
});

interface Booking {
  id: string;
  guest: string;
  name: string;
  price?: number;
}

/** Guests are known by their e-mail address; one is refused at first, so their stays wait for them. */
export function hotel(log = jsonLog({ level: 'silent' })) {
  const given: { key: string; links: string[] }[] = [];
  const world = { refuses: true };
  const common = {
    idempotency: 'external-id',
    settle: 0,
    deadline: '5s',
    batch: { max: 1, onFailure: 'independent' },
  } as const;
  const guests: Sink<typeof Guest> = {
    ...common,
    name: 'guests',
    accepts: Guest,
    deliver: async ([item]) => {
      if (world.refuses) return [{ outcome: 'failed', fault: rejected(`${item!.key} has no room`, 'no-room').fault }];
      given.push({ key: item!.key, links: [] });
      return [{ outcome: 'done', id: '17' }];
    },
  };
  const stays: Sink<typeof Stay> = {
    ...common,
    name: 'stays',
    accepts: Stay,
    deliver: async ([item]) => {
      given.push({ key: item!.key, links: [...item!.links].flat() });
      return [{ outcome: 'done', id: '18' }];
    },
  };
  const bookings = {
    ...pushSource(),
    name: 'bookings',
    personal: { subject: true, labels: ['email'] },
    decode: (bytes: Uint8Array) => JSON.parse(Buffer.from(bytes).toString()) as Booking,
  };
  const flow = defineFlow({
    id: 'bookings',
    about: 'guests and their stays',
    documents: [Guest, Stay],
    from: bookings,
    to: { guest: guests, stay: stays },
    latency: 'realtime',
    promise: { within: '1m', critical: false },
    onException: { owner: 'desk', within: '1d', hold: 'lane' },
    fallback: 'none',
    translate: ({ id, guest, name, price = 0 }: Booking) => ({
      outcome: 'routed' as const,
      documents: [
        { kind: 'guest' as const, body: { id: guest, name } },
        { kind: 'stay' as const, body: { id, guest, remark: `a room for ${name}`, price } },
      ],
      memory: { guest },
      objections: [{ cause: 'odd', message: guest, measure: { lines: 0, currency: null, minor: 0n, absolute: 0n } }],
    }),
  });
  const estate = defineEstate({
    name: 'hotel',
    connections: {
      web: connectionOf({ sources: { bookings } }),
      desk: connectionOf({ sinks: { guests: guests as Sink, stays: stays as Sink } }),
    },
    flows: [flow],
  });
  const hubOf = ({ db, vault }: TestLedger) =>
    new Hub({
      estate,
      db,
      vault,
      clock: systemClock,
      random: seeded(1),
      log,
      secret: () => 'secret',
      terms: { pollSeconds: 0.05, retrySeconds: [0.02, 0.1] },
    });
  const book = (hub: Hub, booking: Booking) =>
    hub.intake.receive({
      connection: 'web',
      source: 'bookings',
      incoming: {
        dedupeKey: `${booking.guest} ${booking.id} ${booking.price}`,
        measure: { lines: 1, currency: 'EUR', minor: BigInt(booking.price ?? 0), absolute: BigInt(booking.price ?? 0) },
        subject: `guest:${booking.guest}`,
        occurredAt: new Date(),
        bytes: Buffer.from(JSON.stringify(booking)),
        labels: { email: booking.guest, booking: booking.id },
      },
    });
  return { hubOf, book, given, world };
}
