import { statfsSync } from 'node:fs';
import { HubError } from '../../core/errors.ts';

/** PostgreSQL needs at least a segment of its log (16 MB) to go on working, and as much to recover. */
const NEEDED = 32 * 1024 * 1024;
const MB = 1024 * 1024;

/** Bytes that the file system of `dir` has left for ordinary users; null where that cannot be told. */
export function freeBytes(dir: string): number | null {
  try {
    const { bavail, bsize } = statfsSync(dir);
    return bavail * bsize;
  } catch {
    return null;
  }
}

/** HubError DISK_FULL when that is what stands behind a failure: by the error's own words, or because hardly anything is left. Else null. */
export function explainFull(home: string, error: unknown): HubError | null {
  const free = freeBytes(home);
  if (!saysFull(error) && (free === null || free >= NEEDED)) return null;
  const left = free === null ? '' : ` (${Math.floor(free / MB)} MB left)`;
  return new HubError('DISK_FULL', `The disk that holds ${home} is full${left}, and PostgreSQL cannot work there.`, {
    hint: `Make room: ${NEEDED / MB} MB at the very least, better gigabytes. Nothing that was acknowledged is lost; a running hub goes on by itself.`,
    cause: error,
  });
}

/** True when the error, or what it stands for, says that the disk or the quota is full. */
export function saysFull(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause) {
    const { code } = at as { code?: unknown };
    if (code === 'ENOSPC' || code === 'EDQUOT' || /No space left on device|Disk quota exceeded/.test(at.message))
      return true;
  }
  return false;
}
