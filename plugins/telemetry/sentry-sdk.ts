// All of the Sentry SDK that is used. The build puts a bundle of it here, in the place of what tsc makes of this file:
// importing the whole package takes twenty times as long and brings 90 MB with it.
export { createTransport, defaultStackParser, NodeClient, Scope } from '@sentry/node';
