// yargs by way of one file. The build puts a bundle of it here, in the place of what tsc makes of this file: of the
// package's many files, most of the time to load goes into measuring the width of emoji, of which our help has none.
export { default as yargs } from 'yargs';
