import dns from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import ipaddr from 'ipaddr.js';
import { FaultError } from '../core/fault.ts';

/** Whether an address is one of the open internet: not private, loopback, link-local, reserved or a wrapping of such a one. */
export function isPublic(address: string): boolean {
  if (!ipaddr.isValid(address)) return false;
  const parsed = ipaddr.process(address); // ::ffff:10.0.0.1 is 10.0.0.1
  if (parsed.range() !== 'unicast') return false;
  // What the registry has not given out yet leads nowhere good, IPv4 in deprecated wrappings included: 2000::/3 is all that is in use.
  return !(parsed instanceof ipaddr.IPv6) || (parsed.parts[0]! & 0xe000) === 0x2000;
}

/** Nothing was sent. Said without the address: what a name resolves to inside is not for everybody's eyes. */
const notPublic = (host: string): FaultError =>
  new FaultError({
    kind: 'refused',
    message: `${host} is not an address of the open internet; if it is meant, allow private addresses for this connection (allowPrivate: true)`,
  });

/** Throws for a host that is written as an address which is not public; a name is judged when it is resolved. */
export function refusePrivateHost(hostname: string): void {
  const host = hostname.replace(/^\[|\]$/g, '');
  if (isIP(host) !== 0 && !isPublic(host)) throw notPublic(hostname);
}

/**
 * A resolver for sockets that refuses a name when any of its addresses is not public. The socket connects to what was looked at here, so a
 * name that changes between two looks (DNS rebinding) gains nothing.
 */
export const publicLookup =
  (resolve: typeof dns.lookup = dns.lookup): LookupFunction =>
  (hostname, options, callback) => {
    resolve(hostname, { ...options, all: true }, (error, addresses) => {
      if (error) return callback(error, []);
      if (addresses.length === 0 || !addresses.every(({ address }) => isPublic(address)))
        return callback(Object.assign(new Error('not a public address'), { cause: notPublic(hostname) }), []);
      if (options.all) return callback(null, addresses);
      callback(null, addresses[0]!.address, addresses[0]!.family);
    });
  };
