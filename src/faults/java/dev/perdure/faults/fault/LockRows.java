package dev.perdure.faults.fault;

import dev.perdure.faults.ledger.LedgerTables;
import dev.perdure.faults.world.World;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.random.RandomGenerator;

/** A submitter's transaction locks the rows of some of its instances, for a moment or for longer than a checkpoint waits. */
public final class LockRows implements Fault {

    @Override
    public String name() {
        return "lock-rows";
    }

    @Override
    public boolean strike(World world, RandomGenerator random) throws SQLException, InterruptedException {
        try (Connection connection = world.server().connect(LedgerTables.APP);
                Statement statement = connection.createStatement()) {
            connection.setAutoCommit(false);
            int locked = 0;
            try (ResultSet rows = statement.executeQuery("SELECT id FROM df.instances WHERE status IN ('pending', 'running')"
                    + " ORDER BY id LIMIT 50 FOR UPDATE SKIP LOCKED")) {
                while (rows.next()) {
                    locked++;
                }
            }
            Pause.millis(random, 10, 5000);
            connection.rollback();
            return locked > 0;
        }
    }
}
