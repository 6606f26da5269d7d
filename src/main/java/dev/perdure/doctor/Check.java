package dev.perdure.doctor;

import java.sql.SQLException;
import java.util.List;

/** Looks at one thing. */
interface Check {

    /** The subject of the check, in a word or two. */
    String subject();

    /** Looks, in the owner's session. An error of the server becomes a finding of its own. */
    List<Finding> look(Patient patient) throws SQLException;
}
