DROP TABLE IF EXISTS used_sign_ins;
DROP TABLE IF EXISTS server_keys;
