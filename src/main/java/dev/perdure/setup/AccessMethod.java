package dev.perdure.setup;

/** Authentication of the worker as the owner and as each submitter. */
public enum AccessMethod {
    /** A password for each role, which the worker knows. */
    PASSWORD,
    /** One certificate of the worker, and a map that lists the roles it may log in as. */
    CERTIFICATE,
    /** The operating system says who is at the other end of a Unix socket. */
    PEER,
    /** Lets every process in that reaches the address. */
    TRUST
}
