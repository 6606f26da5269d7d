package dev.perdure.leader;

/** Something else that is done, database by database, by the worker that leads it. */
public interface LeaderCompanion {

    /** The listener for the terms of a database. */
    LeaderListener of(String database);
}
