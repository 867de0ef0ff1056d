import { HubError } from '../core/errors.ts';

/** Reads the estate's secrets (`secret("NAME")`) from the environment when a call needs them. The reader throws HubError SECRET_MISSING. */
export function secretReader(env: NodeJS.ProcessEnv): (name: string) => string {
  return (name) => {
    const value = Object.hasOwn(env, name) ? env[name] : undefined;
    if (value) return value;
    throw new HubError('SECRET_MISSING', `the secret ${name} is ${value === '' ? 'empty' : 'not set'}`, {
      hint: `start the hub with the environment variable ${name}; secrets never stand in the estate file`,
    });
  };
}
