package dev.perdure.leader;

/** Something else that is done, database by database, by the worker that leads it. */
public interface LeaderCompanion {

    /** What is to be told of the terms of a database. */
    LeaderListener of(String database);
}
