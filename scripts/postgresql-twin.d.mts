export function postgresqlTwin(source: string): string;
