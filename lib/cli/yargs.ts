// yargs comes in a bundle with the launcher, which .tools/bundle-launcher.mjs makes: as it is, most of the time to load it
// goes into measuring the width of emoji, of which our help has none.
export { default as yargs } from 'yargs';
