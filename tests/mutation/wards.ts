import type { Ward } from './mutants.ts';

export const wards: readonly Ward[] = [
  { name: 'allocation', file: 'src/core/money.ts', within: ['allocate'], tests: ['src/core/money.test.ts'] },
  {
    name: 'dedupe: events',
    file: 'src/ledger/events.ts',
    within: ['appendEvents', 'finishEvents'],
    tests: ['tests/engine/intake.test.ts', 'tests/engine/routing.test.ts'],
  },
  {
    name: 'fencing: leases',
    file: 'src/ledger/leases.ts',
    tests: ['tests/engine/leases.test.ts', 'tests/ledger/ledger.test.ts'],
  },
  {
    name: 'fencing: lanes',
    file: 'src/ledger/deliveries.ts',
    within: ['claimDeliveries', 'renewLanes', 'lockOwnLanes', 'freeLanes', 'reapLanes'],
    tests: ['tests/engine/leases.test.ts', 'tests/engine/delivery.test.ts'],
  },
  {
    name: 'signatures',
    file: 'src/core/standard-webhooks.ts',
    tests: ['src/core/standard-webhooks.test.ts'],
  },
  {
    name: 'authorisation: tokens',
    file: 'src/guard/tokens.ts',
    tests: ['src/guard/tokens.test.ts', 'src/server/api/access.test.ts'],
  },
];
