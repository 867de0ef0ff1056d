import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { buildClientSchema, type GraphQLSchema, type IntrospectionQuery } from 'graphql';

/**
 * The schema that Shopify publishes for each version of its Admin API, as introspection results inside its package `@shopify/dev-mcp` (ISC). The
 * package brings 155 MB of other packages when it is installed; its own archive is 14 MB and all that is needed here, so it is fetched, checked and
 * unpacked into `node_modules/.cache` when it is needed first (`npm test`, `npm run conform:shopify`), and never committed.
 */
const PACKAGE = '@shopify/dev-mcp@1.16.0';
const INTEGRITY = 'sha512-tqgRnK7sQhjew+htxtleTH23nXB5fZcsrhWgEkomsorGXvLOB2mh2upwZm8uzuTDNTZnqtLMe64yIwh6s2awtw==';
const folder = join(import.meta.dirname, '../../node_modules/.cache/shopify-schema', PACKAGE.replaceAll('/', '+'));

const fileOf = (version: string): string => join(folder, 'package/dist/data', `admin_${version}.json.gz`);

export const hasRealSchema = (): boolean => existsSync(fileOf('2026-07'));

/** The real schema of a version. Throws when it was not fetched. */
export function realSchema(version: string): GraphQLSchema {
  const read = JSON.parse(gunzipSync(readFileSync(fileOf(version))).toString()) as { data?: IntrospectionQuery };
  // Its deprecations do not keep all the rules of today, which is no matter here.
  return buildClientSchema(read.data ?? (read as unknown as IntrospectionQuery), { assumeValid: true });
}

/** The archive could not be fetched; what is wrong with one that was is an error of its own. */
export class Unreachable extends Error {}

/** Fetches the archive with npm, once. Throws `Unreachable` when npm could not bring it within so many milliseconds, and an error when it is not the one that is meant. */
export function fetchRealSchema(within: number): void {
  if (hasRealSchema()) return;
  const scratch = `${folder}.${process.pid}`;
  mkdirSync(scratch, { recursive: true });
  try {
    const archive = join(scratch, pack(scratch, within));
    const digest = `sha512-${createHash('sha512').update(readFileSync(archive)).digest('base64')}`;
    if (digest !== INTEGRITY) throw new Error(`${PACKAGE} is not the archive that is meant: ${digest}`);
    const files = ['2026-07', '2026-10'].map((version) => `package/dist/data/admin_${version}.json.gz`);
    execFileSync('tar', ['xzf', archive, '-C', scratch, ...files]);
    rmSync(archive);
    rmSync(folder, { recursive: true, force: true });
    renameSync(scratch, folder);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** The name of the archive that npm put into the folder. */
function pack(folder: string, within: number): string {
  try {
    const told = execFileSync(
      'npm',
      ['pack', PACKAGE, '--json', '--pack-destination', folder, '--fetch-retries', '1'],
      {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'pipe'],
        shell: process.platform === 'win32',
        timeout: within,
      },
    );
    return /"filename":\s*"([^"]+)"/.exec(told)?.[1]?.replace(/^@/, '').replaceAll('/', '-') ?? '';
  } catch (cause) {
    const { code, stderr } = cause as { code?: string; stderr?: string };
    const told = /^npm error (\S+ \S+ \S.*)$/m.exec(stderr ?? '')?.[1];
    const late = `not within ${within / 1000} s`;
    throw new Unreachable(code === 'ETIMEDOUT' ? late : (told ?? (cause as Error).message), { cause });
  }
}
