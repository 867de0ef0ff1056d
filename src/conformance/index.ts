import { describe, it } from 'node:test';
import type { Check } from './lab.ts';
import { type SignatureUnderTest, signatureChecks } from './signature.ts';
import { type SinkUnderTest, sinkChecks } from './sink.ts';
import { type FileSourceUnderTest, fileSourceChecks, type PollSourceUnderTest, pollSourceChecks } from './source.ts';
import { type WebhookSourceUnderTest, webhookSourceChecks } from './webhook.ts';

export { examine, type Surroundings, type Verdict } from './lab.ts';
export type { SeenRequest } from './network.ts';
export { type SignatureUnderTest, type Signer, signatureChecks } from './signature.ts';
export { type SinkUnderTest, sinkChecks } from './sink.ts';
export { type FileSourceUnderTest, fileSourceChecks, type PollSourceUnderTest, pollSourceChecks } from './source.ts';
export { type WebhookSourceUnderTest, webhookSourceChecks } from './webhook.ts';

/** The ports of a connector, by name, each made ready when its turn comes. */
export interface ConnectorUnderTest {
  readonly sinks?: Readonly<Record<string, () => SinkUnderTest | Promise<SinkUnderTest>>>;
  readonly polls?: Readonly<Record<string, () => PollSourceUnderTest | Promise<PollSourceUnderTest>>>;
  readonly files?: Readonly<Record<string, () => FileSourceUnderTest | Promise<FileSourceUnderTest>>>;
  readonly webhooks?: Readonly<Record<string, () => WebhookSourceUnderTest | Promise<WebhookSourceUnderTest>>>;
  // biome-ignore lint/suspicious/noExplicitAny: a request of any shape; each subject's functions take their own
  readonly signatures?: Readonly<Record<string, () => SignatureUnderTest<any>>>;
}

/**
 * The conformance suite: registers with node:test what every connector must do, for each of its ports. One call in a connector's own test.
 * The engine relies on each of these: a connector that passes keeps the hub's promises as far as they are its own.
 */
export function conform(connector: ConnectorUnderTest): void {
  suite('sink', connector.sinks, sinkChecks);
  suite('polled source', connector.polls, pollSourceChecks);
  suite('source of files', connector.files, fileSourceChecks);
  suite('webhook', connector.webhooks, webhookSourceChecks);
  suite('signature', connector.signatures, signatureChecks);
}

function suite<Subject>(
  noun: string,
  subjects: Readonly<Record<string, () => Subject | Promise<Subject>>> = {},
  checks: Readonly<Record<string, Check<Subject>>>,
): void {
  for (const [name, make] of Object.entries(subjects))
    describe(`conformance: ${noun} ${name}`, () => {
      let made: Promise<Subject> | undefined;
      for (const [check, run] of Object.entries(checks))
        it(check, async () => {
          made ??= Promise.resolve(make());
          await run(await made);
        });
    });
}
