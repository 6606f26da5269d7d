package dev.perdure.setup;

/**
 * Way and address of the worker's logins.
 *
 * @param address of the worker in the words of pg_hba.conf, such as {@code 10.0.7.21/32}; not used with a Unix socket
 * @param socket whether it comes by a Unix socket
 * @param tls whether its sessions are encrypted
 * @param knownAs the common name of its certificate, or its user in the operating system
 */
public record Access(AccessMethod method, String address, boolean socket, boolean tls, String knownAs) {}
