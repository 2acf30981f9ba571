// Package bitbuckettest is a Bitbucket Cloud to test against, on loopback alone.
//
// Real git, git-lfs and Go programs reach it under Bitbucket's real names: it is a CONNECT proxy that
// leads to itself, with certificates of a CA of its own. GitConfig and Env say how to point a program at it;
// a host that it does not know is refused (403), logged and never dialled. Behind the names are
//
//	bitbucket.org        git's smart HTTP (git http-backend on real bare repositories), git-lfs's batch call and OAuth 2.0, see below
//	api.bitbucket.org    REST, see below
//	www.bitbucket.org    a redirect to bitbucket.org
//	media.example.test   where LFS objects come from, each with a header of its own, and no token is wanted
//	look-alikes          bitbucket.org.evil.example, notbitbucket.org, evil.bitbucket.org, bitbucket.example, "bitbucket.org.",
//	                     any port but 443, and http://: they answer 401 to everything, to see who gives them a token
//
// # Who may what
//
// A token has a kind, and a kind its own username:
//
//	kind                             username for git                             REST
//	api                              x-bitbucket-api-token-auth, or owner         Basic email:token
//	repository, project, workspace   x-token-auth                                 Bearer
//	oauth                            x-token-auth                                 Bearer
//	app (password)                   any: 410                                     401
//
// Clone and fetch want the scope read, push read and write, LFS accordingly, REST as its table says. Otherwise:
//
//	unknown, expired, revoked, without any scope, with another's username   401
//	limited to other workspaces                                            401
//	limited to other repositories, or no such repository                   403 TextNoAccess; on REST 404
//	lacks a scope                                                          403 TextScope
//	no credentials: a push, or a repository that is not public             401
//
// # REST
//
//	call                                             scope   answer
//	GET /2.0/user                                    user    200, the token's owner, whatever the token is limited to
//	GET /2.0/repositories/WS[?page=N&pagelen=M]      read    200, a page of those that the token may see, with next; 404
//	GET /2.0/repositories/WS/REPO                    read    200
//	POST /2.0/repositories/WS/REPO/refs/branches     write   201, or 400; takes {"name": …, "target": {"hash": …}}
//	GET /2.0/repositories/WS/REPO/refs/branches/B    read    200, or 404
//	DELETE /2.0/repositories/WS/REPO/refs/branches/B write   204, 404, or 400 for main
//
// To a token that is good they add X-OAuth-Scopes, X-Accepted-OAuth-Scopes and X-Credential-Type; below /2.0/repositories,
// to an access token alone, also X-RateLimit-Limit, X-RateLimit-Resource and X-RateLimit-NearLimit.
//
// # OAuth 2.0
//
// A consumer sends browsers to /site/oauth2/authorize and asks /site/oauth2/access_token for tokens. An access token is a token of
// the kind oauth and counts wherever the others do; the first that consumer ci is given has the name ci/1, the next ci/2.
//
//	authorize?response_type=code     a page with the buttons #grant and #deny, or 302 to the callback at once; see "oauth" below
//	authorize?response_type=token    the same, with the access token in the fragment
//	unknown client_id, or a          an HTML page with 400, and no redirect; a redirect_uri has to be the callback URL, or
//	  foreign redirect_uri           that and more path or a query behind it
//
//	grant_type=authorization_code    a pair; a code works once and for 10 minutes, with the redirect_uri it was asked for with,
//	                                 and with the code_verifier of its code_challenge if it had one (S256 or plain)
//	grant_type=refresh_token         a new pair; see below
//	grant_type=client_credentials    an access token, of the consumer's own account
//	grant_type=urn:bitbucket:oauth2:jwt  the same for a Connect app: "Authorization: JWT …", HS256 with the shared secret, iss the
//	                                 app's key, sub the client key, exp within the hour; here alone scope= makes it fewer scopes
//
// The client proves itself by key and secret, as Basic or as client_id and client_secret in the form. Scopes that it has not are
// invalid_scope. All that TokenPath refuses has the status 400 and an error and error_description in JSON.
//
// A refresh token is rotated by its first use. For the reuse window it still answers another new pair at each use; unused it lives
// for 90 days. A dead one, and one that never was, answer unauthorized_client and TextClientInvalid. Two of these in a row, with
// no refresh that works between them, lock the client out: it hears the same from every grant until the lock's time is over.
//
// # Commands
//
// Command does, and Query answers, what a line of a script says; Script makes both the testscript command "bitbucket".
//
//	repo WS/REPO [public] [file=PATH:TEXT]… [submodules=WS/REPO,…]   make it, with one commit on main
//	commit WS/REPO PATH TEXT                                        add one
//	token NAME [kind=api] [owner=USERNAME] [email=ADDRESS]          make a token known, or replace it;
//	      [scopes=read,write,user|none] [workspaces=WS,…]           scopes are all three unless given; the text is made
//	      [repos=WS/REPO,…] [expires=1h] [text=TEXT]                from kind and name unless given; display and
//	      [display=NAME] [nickname=NAME]                            nickname understand escapes such as \x1b
//	revoke NAME                                                     from now on 401
//	expire NAME                                                     the same
//	consumer NAME [callback=URL] [owner=USERNAME]                   make a consumer known, or change it to what is given;
//	      [scopes=read,write,user|none] [answer=ask|grant|deny]     key and secret are made from the name, the callback is
//	      [key=KEY] [secret=TEXT] [format=jwt|opaque|SIZE]          http://127.0.0.1:34117/callback, scopes are all three;
//	      [spelling=scope|scopes|both] [expires=2h]                 tokens have 2,600 characters (jwt) or SIZE or few; window
//	      [window=10m] [lock=3m]                                    and lock may be 0; its tokens stay when it changes
//	      [appkey=KEY clientkey=KEY sharedsecret=TEXT]              and the Connect app for the JWT grant
//	oauth grant|deny|ask NAME                                       what authorize answers for the consumer: the first two without
//	                                                                a page, ask with one; or use answer=
//	oauth expire NAME                                               its access tokens run out now, its refresh tokens do not
//	oauth revoke NAME                                               all its tokens are dead from now on
//	clock DURATION|TIME                                             move the server's clock by that (+2h, -5m), or to that
//	                                                                (2027-01-31T12:00:00Z): for all expiry and for Date
//	fault KIND [key=value]…                                         see below
//	fault none                                                      all faults off
//	host NAME                                                       one more look-alike
//	expect N|N+ KEY=VALUE…                                          fails unless so many requests of the log fit
//	expect N|N+ rejected                                            fails unless so many logins were answered 401
//	reset                                                           empties the log
//
//	log [KEY=VALUE]…                  the requests, one a line; see Filter
//	count [KEY=VALUE]…                how many
//	rejected                          how many logins were answered 401
//	text NAME                         the token itself, to feed it to a program; of a consumer NAME/key, NAME/secret,
//	                                  NAME/sharedsecret and NAME/refresh, the last refresh token that it was given
//	refresh NAME                      the fingerprint of that refresh token
//	alive-refresh NAME                how many of the consumer's refresh tokens work, those in their reuse window included
//	head WS/REPO                      the commit of main
//	cat WS/REPO PATH                  a file of main
//	proxy, ca, gitconfig, env         how to reach the server
//
// In a script only: "export VARIABLE NAME" puts what "text NAME" answers into the environment.
//
// The log tells of a request for a token the grant_type, if it is one of the four, and the consumer: "expect 1 grant=refresh_token consumer=ci".
//
// # Faults
//
// A fault strikes some requests to bitbucket.org and api.bitbucket.org: those with a good token (login), those without any (anonymous), or all of them.
// Of several the earliest that fits strikes; slow, skew, nearlimit, foreignnext and those of TokenPath strike beside it.
//
//	kind                 strikes     answer
//	401, stray401        login       401 TextLogin
//	revoke               login       revokes the token that came and answers 401; times=1 unless given
//	scope                login       403 TextScope
//	noaccess             login       403 TextNoAccess; on REST 404, and only for calls on a repository
//	allowlist            login       403 TextAllowlist
//	twostep              login       403 TextTwoStep
//	404, 500, 503        login       the status
//	410                  login       410 TextAppPassword
//	429                  login       429 TextRateLimit; retry=30s adds Retry-After (as it does to all refusals)
//	outage               all         503
//	lfs403               anonymous   403 for git-lfs (git-lfs/git-lfs#2658)
//	message              login       403, or status=N; the message holds the Authorization that came and control characters
//	big                  login       200, or status=N; JSON of more than 1 MiB
//	html                 all         200, or status=N; the page of a captive portal
//	redirect             all         301 to to=HOST or to=SCHEME://HOST
//	slow                 all         the right one, after delay=200ms
//	skew                 all         the right one, with a Date that is by=+10m or by=-10m off
//	nearlimit            login       REST's right one, with X-RateLimit-NearLimit true if it has that header
//	foreignnext          –           REST's right one, with next on to=HOST or to=SCHEME://HOST; strikes pages that have a next
//	hang                 all         none until "fault none" cuts the connection
//	missing              –           TokenPath's right one without field=access_token; without field=refresh_token, the old one stays alive
//	odd                  –           TokenPath's right one with field=NAME, there or not, holding value=JSON
//	truncated            –           the first half of TokenPath's right one; with field=NAME it has that alone, a text, and then ends
//	lost                 –           none: TokenPath makes the tokens, rotates the old one and cuts the connection
//	late                 –           TokenPath's right one, delay=200ms after the tokens were made and the old one rotated
//
// At OAuth's addresses a client that proved itself, and any browser with a good client_id, is a login, and its token= is the consumer's
// name; faults for logins strike there only if at= says so. There message holds the form too and has status 400, and big is the right
// answer with more in it. The last five, and big, strike only answers that hold a token, and leave it made.
//
//	repo=WS/REPO, repo=WS   only there
//	at=PLACE                only refs (the first request of each git command), fetch, push (the POSTs), lfs, rest,
//	                        authorize (the page), token (TokenPath), oauth (both)
//	grant=TYPE              only at token, and only that grant_type
//	token=NAME              only that token; of logins
//	requests=WHO            login, anonymous or all instead of the kind's own
//	after=N                 let N fitting requests pass first
//	times=N                 strike N requests; for ever if absent
//	for=1s                  strike this long from the first strike on
//
// So a token that is revoked in mid-clone is "fault revoke repo=acme/app after=1",
// and a repository that answers 401 for ever is "fault 401 repo=acme/sick".
package bitbuckettest
