/** The version that replicas publish. The same as package.json's (compared by a test). */
export const VERSION = '0.1.0'
