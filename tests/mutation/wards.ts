/** Code that guards something, and the tests that must notice when it is wrong, the quickest first. */
export interface Part {
  readonly file: string;
  /** Only within the functions, methods and constants of these names; all of the file without them. */
  readonly within?: readonly string[];
  readonly tests: readonly string[];
}

/** A part of the product whose tests are themselves tested. */
export interface Ward {
  readonly name: string;
  readonly parts: readonly Part[];
}

export const wards: readonly Ward[] = [
  {
    name: 'allocation',
    parts: [
      { file: 'src/core/money.ts', tests: ['src/core/money.test.ts'] },
      { file: 'src/core/decimal.ts', tests: ['src/core/money.test.ts'] },
    ],
  },
  {
    name: 'dedupe',
    parts: [
      {
        file: 'src/ledger/events.ts',
        tests: ['tests/ledger/events.test.ts'],
      },
      {
        file: 'src/engine/intake.ts',
        tests: ['tests/engine/intake.test.ts'],
      },
      {
        file: 'src/engine/translate.ts',
        within: ['olderThanKnown'],
        tests: ['tests/engine/routing.test.ts', 'tests/engine/echo.test.ts'],
      },
      { file: 'src/ledger/requests.ts', tests: ['tests/ledger/requests.test.ts'] },
      { file: 'src/server/api/idempotency.ts', tests: ['tests/ledger/requests.test.ts'] },
    ],
  },
  {
    name: 'fencing',
    parts: [
      { file: 'src/ledger/leases.ts', tests: ['tests/ledger/leases.test.ts'] },
      {
        file: 'src/ledger/deliveries.ts',
        within: [
          'supersedeWaiting',
          'claimDeliveries',
          'renewLanes',
          'lockOwnLanes',
          'freeLanes',
          'finishDeliveries',
          'postponeDeliveries',
          'reapLanes',
        ],
        tests: ['tests/ledger/claims.test.ts', 'tests/ledger/lanes.test.ts', 'tests/ledger/deliveries.test.ts'],
      },
      { file: 'src/ledger/lanes.ts', tests: ['tests/ledger/lanes.test.ts', 'tests/ledger/ledger.test.ts'] },
      { file: 'src/engine/leases.ts', tests: ['tests/engine/lease-keeper.test.ts', 'tests/engine/leases.test.ts'] },
      { file: 'src/engine/outcome.ts', tests: ['src/engine/outcome.test.ts'] },
      { file: 'src/engine/poll.ts', within: ['storeRead'], tests: ['tests/engine/leases.test.ts'] },
      {
        file: 'src/engine/settle.ts',
        within: ['settle', 'writeOutcomes', 'postponed'],
        tests: [
          'tests/engine/leases.test.ts',
          'tests/engine/delivery.test.ts',
          'tests/engine/lost-answers.test.ts',
          'tests/engine/batches.test.ts',
          'tests/engine/needs.test.ts',
          'tests/engine/in-flight.test.ts',
        ],
      },
      {
        file: 'src/engine/deliver.ts',
        within: ['once', '#call', '#deliver', '#find', '#keepLease'],
        tests: [
          'tests/engine/calls.test.ts',
          'tests/engine/delivery.test.ts',
          'tests/engine/lost-answers.test.ts',
          'tests/engine/batches.test.ts',
          'tests/engine/needs.test.ts',
          'tests/engine/restore.test.ts',
        ],
      },
    ],
  },
  {
    name: 'signatures',
    parts: [
      { file: 'src/core/standard-webhooks.ts', tests: ['src/core/standard-webhooks.test.ts'] },
      {
        file: 'src/core/seal.ts',
        within: ['sameBytes', 'keyedDigest'],
        tests: ['src/core/standard-webhooks.test.ts', 'src/core/seal.test.ts'],
      },
      {
        file: 'src/connectors/toy-till/index.ts',
        within: ['verify', 'read', 'secretsOf'],
        tests: ['src/connectors/toy-till/index.test.ts'],
      },
      {
        file: 'src/engine/webhooks.ts',
        within: ['receive', 'read', 'isIncoming'],
        tests: ['src/server/intake.test.ts', 'tests/engine/webhooks.test.ts'],
      },
      {
        file: 'src/server/intake.ts',
        within: ['addIntake', 'checkType', 'answer'],
        tests: ['src/server/intake.test.ts'],
      },
    ],
  },
  {
    name: 'authorisation',
    parts: [
      { file: 'src/guard/tokens.ts', tests: ['src/guard/tokens.test.ts', 'src/server/api/access.test.ts'] },
      { file: 'src/ledger/tokens.ts', tests: ['src/guard/tokens.test.ts', 'src/cli/token.test.ts'] },
      { file: 'src/guard/sign-in.ts', tests: ['src/guard/sign-in.test.ts'] },
      {
        file: 'src/server/api/index.ts',
        within: ['addApi', 'admit', '#answer', 'allow'],
        tests: [
          'src/server/api/access.test.ts',
          'src/server/api/tokens.test.ts',
          'src/server/api/personal.test.ts',
          'src/server/api/api.test.ts',
        ],
      },
      { file: 'src/ledger/scope.ts', tests: ['src/ledger/scope.test.ts', 'src/server/api/entities.test.ts'] },
      {
        file: 'sql/002-tokens.sql',
        tests: ['tests/ledger/ledger.test.ts', 'src/server/api/entities.test.ts', 'src/ledger/scope.test.ts'],
      },
    ],
  },
];
