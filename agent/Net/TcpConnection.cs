namespace OnCache.Agent.Net;

/// <summary>A TCP connection that conntrack knows.</summary>
/// <param name="Tuple">Who opened it to whom, in the kernel's own notation (the content of CTA_TUPLE_ORIG).</param>
/// <param name="Zone">Its conntrack zone; 0 is the default one.</param>
internal sealed record TcpConnection(byte[] Tuple, ushort Zone);
