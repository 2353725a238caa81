// What a plugin's thread or process runs first.
import { startGuest } from './start-guest.ts';

startGuest();
