package org.apache.iceberg.rest; // RESTServerCatalogAdapter and its context are visible in this package only.

import java.net.InetSocketAddress;
import java.util.Map;
import java.util.TreeMap;
import org.apache.hadoop.conf.Configuration;
import org.apache.iceberg.CatalogUtil;
import org.apache.iceberg.catalog.Catalog;
import org.eclipse.jetty.ee10.servlet.ServletContextHandler;
import org.eclipse.jetty.ee10.servlet.ServletHolder;
import org.eclipse.jetty.server.Server;

/**
 * Runs Iceberg's own reference REST catalog on 127.0.0.1. First argument: the port; all others: name=value properties of
 * the catalog that it serves.
 */
public final class ReferenceCatalog {
  public static void main(String[] arguments) throws Exception {
    int port = Integer.parseInt(arguments[0]);
    Map<String, String> properties = new TreeMap<>();
    for (int at = 1; at < arguments.length; at++) {
      int equals = arguments[at].indexOf('=');
      properties.put(arguments[at].substring(0, equals), arguments[at].substring(equals + 1));
    }
    Catalog served = CatalogUtil.buildIcebergCatalog("served", properties, new Configuration());
    RESTCatalogServer.CatalogContext context = new RESTCatalogServer.CatalogContext(served, properties);
    ServletContextHandler handler = new ServletContextHandler();
    handler.addServlet(new ServletHolder(new RESTCatalogServlet(new RESTServerCatalogAdapter(context))), "/*");
    Server server = new Server(new InetSocketAddress("127.0.0.1", port));
    server.setHandler(handler);
    server.start();
    server.join();
  }
}
