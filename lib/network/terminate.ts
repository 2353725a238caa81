/** The message Terminate: what PostgreSQL wants to hear before a connection ends. */
export const terminate = Buffer.from([0x58, 0, 0, 0, 4]);
