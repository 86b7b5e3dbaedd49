DROP TABLE IF EXISTS blocked_hosts;
