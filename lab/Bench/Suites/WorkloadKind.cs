namespace OnCache.Lab.Bench.Suites;

/// <summary>The kinds of work that are measured.</summary>
public enum WorkloadKind
{
    TcpRequestResponse,
    UdpRequestResponse,
    TcpConnectRequestResponse,
    TcpStream,
    UdpStream,
    Http,
    Memcached,
    Postgres,
}
