#!/usr/bin/env escript
%% -*- erlang -*-
%% OTP's own ssl with tickets of TLS 1.3, for the interop tests.
%% client Port CaFile Early: connects three times with tickets kept by OTP, the last time with early data; prints which
%%   connections were resumed, what became of the early data, and DONE.
%% server Kind CertFile KeyFile: prints "PORT <n>", echoes on every connection, prints what it reads; ends with its input.
-mode(compile).

main(Args) ->
    ok = logger:set_primary_config(level, none),
    {ok, _} = application:ensure_all_started(ssl),
    run(Args).

run(["client", Port, CaFile, Early]) ->
    Options = [binary, {active, false}, {verify, verify_peer}, {cacertfile, CaFile}, {versions, ['tlsv1.3']},
               {server_name_indication, "localhost"}, {session_tickets, auto}],
    One = meet(list_to_integer(Port), Options),
    Two = meet(list_to_integer(Port), Options),
    Three = meet(list_to_integer(Port), [{early_data, list_to_binary(Early)} | Options]),
    io:format("RESUMED ~w~n", [[One, Two, Three]]),
    receive {ssl, _, {early_data, Outcome}} -> io:format("EARLY ~w~n", [Outcome])
    after 5000 -> io:format("EARLY nothing~n")
    end,
    io:format("DONE~n");
run(["server", Kind, CertFile, KeyFile]) ->
    {ok, Listen} = ssl:listen(0, [binary, {ip, {127,0,0,1}}, {active, false}, {certfile, CertFile}, {keyfile, KeyFile},
                                  {versions, ['tlsv1.3']}, {session_tickets, list_to_atom(Kind)},
                                  {early_data, enabled}]),
    {ok, {_, Port}} = ssl:sockname(Listen),
    io:format("PORT ~w~n", [Port]),
    spawn_link(fun() -> accept(Listen) end),
    io:get_line("").

meet(Port, Options) ->
    {ok, Socket} = ssl:connect({127,0,0,1}, Port, Options, 20000),
    %% Behind the tickets.
    {ok, _} = ssl:recv(Socket, 6, 20000),
    {ok, [{session_resumption, Resumed}]} = ssl:connection_information(Socket, [session_resumption]),
    timer:sleep(200),
    ssl:close(Socket),
    Resumed.

accept(Listen) ->
    {ok, Transport} = ssl:transport_accept(Listen),
    Pid = spawn_link(fun() ->
        receive go -> ok end,
        case ssl:handshake(Transport, 20000) of
            {ok, Socket} -> echo(Socket);
            {error, _} -> ok
        end
    end),
    ok = ssl:controlling_process(Transport, Pid),
    Pid ! go,
    accept(Listen).

echo(Socket) ->
    case ssl:recv(Socket, 0) of
        {ok, Data} -> io:put_chars(Data), ok = ssl:send(Socket, Data), echo(Socket);
        {error, _} -> ok
    end.
