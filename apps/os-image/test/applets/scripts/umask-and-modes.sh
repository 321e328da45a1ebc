umask 022; : >a; mkdir b; stat -c '%a %n' a b
umask 077; : >c; mkdir d; stat -c '%a %n' c d
umask 0; : >e; mkdir f; mkdir -m 755 g; stat -c '%a %n' e f g
umask u=rwx,g=rx,o=; umask
cp e h; stat -c %a h
chmod 4755 h; cp h i; stat -c %a i; cp -p h j; stat -c %a j
ln h k; chmod 600 k; stat -c %a h
