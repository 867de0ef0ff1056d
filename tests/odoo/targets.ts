import { startOdooSimulator } from '../../src/simulators/odoo/index.ts';

/** An Odoo to test with. */
export interface OdooTarget {
  readonly url: string;
  readonly db: string;
  readonly login: string;
  readonly key: string;
  readonly company?: string;
  stop(): Promise<void>;
}

const { ODOO_URL, ODOO_DB, ODOO_LOGIN, ODOO_KEY, ODOO_COMPANY } = process.env;

/** True when ODOO_URL, ODOO_DB, ODOO_LOGIN and ODOO_KEY name a real server (ODOO_COMPANY: which of its companies). */
export const isReal = Boolean(ODOO_URL && ODOO_DB && ODOO_LOGIN && ODOO_KEY);

/** The real server that is named, else simulators of 18 and 19. */
export const odooTargets: [name: string, start: () => Promise<OdooTarget>][] = isReal
  ? [
      [
        `Odoo at ${ODOO_URL}`,
        async () => ({
          url: ODOO_URL!,
          db: ODOO_DB!,
          login: ODOO_LOGIN!,
          key: ODOO_KEY!,
          ...(ODOO_COMPANY ? { company: ODOO_COMPANY } : {}),
          stop: async () => {},
        }),
      ],
    ]
  : ([18, 19] as const).map((version) => [`simulated Odoo ${version}`, () => startOdooSimulator({ version, seed: 1 })]);
