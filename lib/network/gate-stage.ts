import type { Stage } from './stage.ts';

/** A session whose client is let in and whose backend is logged in, and which is not open yet: neither side is read. */
export class GateStage implements Stage {
  readonly idle = true;
  readonly quiet = true;
  readonly answering = false;
  readonly clientBusy = false;
  readonly serverBusy = false;
  readonly speakable = true;
  readonly endExpected = false;

  fromClient(): void {
    // Nothing comes while the gate is shut.
  }

  fromServer(): void {
    // Likewise.
  }

  close(): void {
    // Nothing is held here.
  }
}
