/** Wakes loops of this process when work was committed; loops also look by themselves now and then. */
export class Doorbell {
  #waiting = new Map<string, Set<() => void>>();
  #rung = new Set<string>();

  ring(topic: string): void {
    const waiting = this.#waiting.get(topic);
    if (!waiting?.size) {
      this.#rung.add(topic);
      return;
    }
    this.#waiting.delete(topic);
    for (const wake of waiting) wake();
  }

  /** Resolves when the topic rings (also when it rang since the last wait), after `seconds`, or when the signal aborts. */
  async wait(topic: string, seconds: number, signal: AbortSignal): Promise<void> {
    if (this.#rung.delete(topic) || signal.aborted) return;
    await new Promise<void>((resolve) => {
      const wake = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', wake);
        this.#waiting.get(topic)?.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, seconds * 1000);
      signal.addEventListener('abort', wake, { once: true });
      const waiting = this.#waiting.get(topic) ?? new Set();
      this.#waiting.set(topic, waiting.add(wake));
    });
  }
}
