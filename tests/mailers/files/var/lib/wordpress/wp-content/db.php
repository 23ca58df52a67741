<?php // In the place of a database (WordPress's own way to have another): nothing is stored but the site's address.
$wpdb = new class('none', 'none', '', 'none') extends wpdb {
    public function db_connect($allow_bail = true) { return $this->ready = true; }
    public function query($query) { return 0; }
    public function get_row($query = null, $output = OBJECT, $y = 0) {
        return preg_match("/'(home|siteurl)'/", $query) ? (object)['option_value' => 'http://shop.example'] : null;
    }
    public function _real_escape($data) { return addslashes($data); }
    public function db_version() { return '8.0'; }
};
