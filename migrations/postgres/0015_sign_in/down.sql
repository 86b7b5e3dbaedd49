DROP TABLE used_sign_ins;
DROP TABLE server_keys;
