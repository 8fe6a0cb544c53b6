/** As in package.json, which a test compares: read from there it would be one more file to find at start. */
export const version = '0.1.0'
