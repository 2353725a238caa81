interface Properties {
  readonly [key: string]: unknown;
}

/** Whether a key is always there once defaults are filled in. */
type Present<Schema, Key, Property> = Schema extends { readonly required: readonly (infer Required)[] }
  ? Key extends Required
    ? true
    : Property extends { readonly default: unknown }
      ? true
      : false
  : Property extends { readonly default: unknown }
    ? true
    : false;

type FromProperties<Schema, P extends Properties> = Flat<
  { readonly [K in keyof P as Present<Schema, K, P[K]> extends true ? K : never]: FromSchema<P[K]> } & {
    readonly [K in keyof P as Present<Schema, K, P[K]> extends true ? never : K]?: FromSchema<P[K]>;
  }
>;

type Flat<T> = { [K in keyof T]: T[K] };

/**
 * The type of what a JSON Schema of ours accepts, with its defaults filled in, readonly all through. It knows the words
 * that `configSchema` uses and no others. It is written here, and not taken from json-schema-to-ts, because it is part of
 * the published types: a plugin author's compiler would need that package, too.
 */
export type FromSchema<Schema> = Schema extends { readonly enum: readonly (infer Value)[] }
  ? Value
  : Schema extends { readonly format: 'duration-or-nanoseconds' }
    ? string
    : Schema extends { readonly type: 'string' }
      ? string
      : Schema extends { readonly type: 'integer' | 'number' }
        ? number
        : Schema extends { readonly type: 'boolean' }
          ? boolean
          : Schema extends { readonly type: 'array'; readonly items: infer Items }
            ? readonly FromSchema<Items>[]
            : Schema extends { readonly properties: infer P extends Properties }
              ? FromProperties<Schema, P>
              : Schema extends { readonly additionalProperties: true }
                ? { readonly [key: string]: unknown }
                : Schema extends { readonly additionalProperties: infer Values }
                  ? { readonly [key: string]: FromSchema<Values> }
                  : never;
