import type { Validator } from './validator.ts';

/** Written into dist/ by the build (`build-validator.ts`); there is none beside the sources. */
declare const validate: Validator;
export default validate;
